import type { Bytes } from "../types.ts";
import { byLibc } from "./by-libc.ts";
import { dlopen, pointerTo } from "./libc.ts";

/**
 * Memory that will be filled at once. On Linux the system is asked to give it in large pages, where it has some to give: to
 * get it page by page takes longer than reading a file into it.
 */
export function freshMemory(size: number): Bytes {
  const memory = new Uint8Array(size);
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
