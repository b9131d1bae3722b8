import type { Bytes } from "../types.ts";

/** Where `INDEX_BLOCK` has the package id: repeated here, because a warm start needs nothing else of that table. */
export const PACKAGE_ID_OFFSET = 1376;
const SIZE = 8;

/** The package id that our builder left in an index block, as 16 hex digits; undefined in packages of others. */
export function packageIdIn(block: Bytes): string | undefined {
  const id = block.subarray(PACKAGE_ID_OFFSET, PACKAGE_ID_OFFSET + SIZE).toHex();
  return id === "0000000000000000" ? undefined : id;
}
