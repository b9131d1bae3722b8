import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { constants, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../tests/support/temp-dir.ts";
import type { Bytes } from "../types.ts";
import { readQuickly } from "./quick-contents.ts";

const isLinux = process.platform === "linux";
if (!isLinux) process.stderr.write("skipped: contents by the C library, this is not Linux\n");

const content: Bytes = new Uint8Array(3_000_000).map((_, i) => i % 251);

let dir: ReturnType<typeof tempDir>;
const at = (path: string) => join(dir.path, path);
beforeEach(() => {
  dir = tempDir();
  writeFileSync(at("file"), content);
});
afterEach(() => dir[Symbol.dispose]());

describe.if(isLinux)("what is in a file", () => {
  test.each([
    [0, 3_000_001, 3_000_000],
    [5, 3_000_000, 3_000_000],
    [7, 1000, 1000],
    [3_000_099, 1, 1],
    [3_000_100, 0, 0],
  ])("goes into the memory from %d on, at most %d bytes", (from, most, count) => {
    const memory = new Uint8Array(3_000_100);
    expect(readQuickly(at("file"), 0, memory, from, most)).toBe(count);
    expect(memory.subarray(from, from + count)).toEqual(content.subarray(0, count));
    expect(memory.subarray(0, from).every((byte) => byte === 0)).toBe(true);
    expect(memory.subarray(from + count).every((byte) => byte === 0)).toBe(true);
  });

  test("may be nothing, and its name anything", () => {
    for (const name of ["\u00e4\u{1f980}", "n".repeat(255)]) {
      writeFileSync(at(name), "");
      expect(readQuickly(at(name), 0, new Uint8Array(1), 0, 1)).toBe(0);
    }
  });

  test.each([
    [-1, 1],
    [0, -1],
    [0, 11],
    [10, 1],
  ])("is never put outside of the memory: %d, %d", (from, most) => {
    expect(() => readQuickly(at("file"), 0, new Uint8Array(10), from, most)).toThrow(RangeError);
  });

  test("leaves no file open", () => {
    const open = () => readdirSync("/proc/self/fd").length;
    const before = open();
    for (let i = 0; i < 20; i++) readQuickly(i % 2 === 0 ? at("file") : dir.path, 0, new Uint8Array(9), 0, 9);
    expect(open()).toBe(before);
  });
});

describe("is for node:fs to read:", () => {
  test.each<[string, () => string]>([
    ["nothing", () => at("nothing")],
    ["a folder", () => at("folder")],
    ["a link that is not to be followed", () => at("link")],
    ["a path with a zero", () => `${at("file")}\0`],
    ["a path that is too long", () => `${dir.path}/${"./".repeat(3000)}file`],
  ])("%s", (_, path) => {
    mkdirSync(at("folder"));
    symlinkSync("file", at("link"));
    expect(readQuickly(path(), constants.O_NOFOLLOW ?? 0, new Uint8Array(9), 0, 9)).toBe(-1);
  });

  test("everything, without a C library", () => {
    globalThis.isWithout = (what) => what === "libc";
    try {
      expect(readQuickly(at("file"), 0, new Uint8Array(9), 0, 9)).toBe(-1);
    } finally {
      globalThis.isWithout = undefined;
    }
  });
});
