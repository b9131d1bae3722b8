import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { freshMemory } from "./fresh-memory.ts";
import { pointerTo } from "./libc.ts";

afterEach(() => {
  globalThis.isWithout = undefined;
});

describe.each(["with", "without"])("%s a C library", (how) => {
  test.each([0, 1, 4096, 1024 * 1024, 2 * 1024 * 1024, 13 * 1024 * 1024 + 5])(
    "there are %d bytes, which are nobody else's",
    (size) => {
      if (how === "without") globalThis.isWithout = (what) => what === "libc";
      const memory = freshMemory(size);
      expect([memory.length, memory.byteOffset, memory.buffer.byteLength]).toEqual([size, 0, size]);
      memory.fill(7);
      expect(memory.every((byte) => byte === 7)).toBe(true);
    },
  );
});

const hasLargePages = existsSync("/sys/kernel/mm/transparent_hugepage");
if (!hasLargePages) process.stderr.write("skipped: large pages, this system has none\n");

/** Flags of the mapping that an address is in, as proc(5) names them. */
function flagsAt(address: number): readonly string[] {
  for (const [, from, to, flags] of readFileSync("/proc/self/smaps", "utf8").matchAll(
    /^([0-9a-f]+)-([0-9a-f]+) [\s\S]*?^VmFlags: (.*)$/gm,
  ))
    if (Number(`0x${from}`) <= address && address < Number(`0x${to}`)) return (flags as string).split(" ");
  return [];
}

test.if(hasLargePages)("the system is asked for large pages", () => {
  const memory = freshMemory(16 * 1024 * 1024);
  expect(flagsAt(pointerTo(memory) + memory.length / 2)).toContain("hg");
});
