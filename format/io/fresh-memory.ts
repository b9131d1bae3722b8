import type { Bytes } from "../types.ts";
import { byLibc } from "./by-libc.ts";
import { dlopen, pointerTo } from "./libc.ts";

/**
 * Memory that will be filled at once, with anything in it until then: to make it zero takes as long as reading a file into
 * it. So does to get it page by page; on Linux the system is asked for large pages, where it has some to give.
 */
export function freshMemory(size: number): Bytes {
  const memory = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
  inLargePages()?.(memory);
  return memory;
}

/** Of the processors that we know, with pages of 4 KiB. */
const LARGE = 2 * 1024 * 1024;
const MADV_HUGEPAGE = 14;

const inLargePages = byLibc((library) => {
  const { symbols } = dlopen(library, { madvise: { args: ["ptr", "u64", "i32"], returns: "i32" } });
  return (memory: Bytes): void => {
    const start = pointerTo(memory);
    const first = Math.ceil(start / LARGE) * LARGE;
    const end = Math.floor((start + memory.length) / LARGE) * LARGE;
    // Whether it is done makes no difference but in time.
    if (first < end) symbols.madvise(first as never, end - first, MADV_HUGEPAGE);
  };
});
