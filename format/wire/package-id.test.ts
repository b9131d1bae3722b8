import { expect, test } from "bun:test";
import type { Bytes } from "../types.ts";
import { encodeIndex, INDEX_BLOCK } from "./index-block.ts";
import { PACKAGE_ID_OFFSET, packageIdIn } from "./package-id.ts";

test("stands where the table of the index block has it", () => {
  expect(INDEX_BLOCK.offsets.packageId).toBe(PACKAGE_ID_OFFSET);
  const packageId = Uint8Array.fromHex("0123456789abcdef") as Bytes;
  expect(packageIdIn(encodeIndex({ packageId }))).toBe("0123456789abcdef");
});

test("is missing in packages of other builders, which leave zeros there", () => {
  expect(packageIdIn(encodeIndex({}))).toBeUndefined();
});
