import { TRAILER_END, TRAILER_SIZE, TRAILER_START } from "../spec.ts";
import type { Bytes } from "../types.ts";
import { hasBytesAt } from "./hashes.ts";

/** An index block between its two markers: the last 8200 bytes of a package. */
export function frameIndex(block: Bytes): Bytes {
  const trailer = new Uint8Array(TRAILER_SIZE);
  trailer.set(TRAILER_START);
  trailer.set(block, TRAILER_START.length);
  trailer.set(TRAILER_END, TRAILER_SIZE - TRAILER_END.length);
  return trailer;
}

/** The index block out of a trailer, or undefined when these are not the last bytes of a package. */
export function unframeIndex(trailer: Bytes): Bytes | undefined {
  if (trailer.length !== TRAILER_SIZE) return undefined;
  if (!hasBytesAt(trailer, TRAILER_START, 0)) return undefined;
  if (!hasBytesAt(trailer, TRAILER_END, TRAILER_SIZE - TRAILER_END.length)) return undefined;
  return trailer.slice(TRAILER_START.length, -TRAILER_END.length);
}
