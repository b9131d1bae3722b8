import type { Bytes } from "../types.ts";
import { close, openToRead, readAt, statusOf } from "./quick-files.ts";

/**
 * The last bytes of a file, for who has another way when this fails, whatever the reason: undefined then. Four system
 * calls, and nothing that `ByteSource` is there for.
 */
export function lastBytes(path: string, length: number): Bytes | undefined {
  let fd: number | undefined;
  try {
    fd = openToRead(path);
    const { size } = statusOf(fd);
    const bytes = new Uint8Array(length);
    return size >= length && readAt(fd, bytes, size - length) === length ? bytes : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) close(fd);
  }
}
