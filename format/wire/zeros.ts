import type { Bytes } from "../types.ts";

/** Whether all bytes are 0, without a function for each: a start asks of thousands. */
export function isZero(bytes: Bytes): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}
