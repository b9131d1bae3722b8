import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { Bytes } from "../types.ts";

/**
 * The last bytes of a file, for who has another way when this fails, whatever the reason: undefined then. Four system
 * calls, and nothing that `ByteSource` is there for.
 */
export function lastBytes(path: string, length: number): Bytes | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    const { size } = fstatSync(fd);
    const bytes = new Uint8Array(length);
    return size >= length && readSync(fd, bytes, 0, length, size - length) === length ? bytes : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
