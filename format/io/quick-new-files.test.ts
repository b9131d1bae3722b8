import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { lstatSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { tempDir } from "../../tests/support/temp-dir.ts";
import type { Bytes } from "../types.ts";
import { type NewFiles, openNewFiles } from "./quick-new-files.ts";

const isLinux = process.platform === "linux";
if (!isLinux) process.stderr.write("skipped: files by the C library, this is not Linux\n");

const memory: Bytes = new Uint8Array(3_000_000).map((_, i) => i % 251);

let dir: ReturnType<typeof tempDir>;
let files: NewFiles;
beforeEach(() => {
  dir = tempDir();
  if (isLinux) files = openNewFiles(dir.path, memory) as NewFiles;
});
afterEach(() => {
  if (isLinux) files[Symbol.dispose]();
  dir[Symbol.dispose]();
});

const at = (path: string) => join(dir.path, path);
const noted = () => ({ mode: files.mode, mtimeMs: files.mtimeMs });
function found(path: string) {
  const { mode, mtimeMs } = lstatSync(at(path));
  return { mode, mtimeMs };
}

function withUmask<T>(umask: number, work: () => T): T {
  const before = process.umask(umask);
  try {
    return work();
  } finally {
    process.umask(before);
  }
}

describe.if(isLinux)("a new file", () => {
  test.each<[string, number, number]>([
    ["empty", 0, 0],
    ["small", 7, 1],
    ["large", 1, 2_999_999],
    ["\u00e4\u{1f4e6} name", 5, 5],
    [`${"n".repeat(255)}`, 5, 5],
  ])("has the bytes and is noted as lstat sees it: %s", (path, from, size) => {
    files.make(path, 0o640, 0, from, size);
    expect(new Uint8Array(readFileSync(at(path)))).toEqual(memory.slice(from, from + size));
    expect(noted()).toEqual(found(path));
    expect(files.mode & 0o7777).toBe(0o640);
  });

  test.each([1, 1_600_000_000, 2 ** 33, -86400])("has the time that it is given: %d", (mtime) => {
    files.make("a", 0o644, mtime, 0, 10);
    expect(files.mtimeMs).toBe(mtime * 1000);
    expect(noted()).toEqual(found("a"));
  });

  test("has its mode, whatever the umask is", () => {
    withUmask(0o077, () => files.make("a", 0o755, 0, 0, 10));
    expect(files.mode & 0o7777).toBe(0o755);
    expect(noted()).toEqual(found("a"));
  });

  test("property: what is noted is what lstat finds, to the last digit", () => {
    let count = 0;
    const mode = fc.integer({ min: 1, max: 0o777 });
    fc.assert(
      fc.property(mode, fc.oneof(fc.constant(0), fc.nat(4e9)), fc.nat(5000), (wanted, mtime, size) => {
        const path = String(count++);
        files.make(path, wanted, mtime, 0, size);
        expect(noted()).toEqual(found(path));
        expect(lstatSync(at(path)).size).toBe(size);
      }),
    );
  });

  test("is nothing that is there already, nor in a folder that is not", () => {
    files.make("a", 0o644, 0, 0, 1);
    mkdirSync(at("d"));
    symlinkSync("nowhere", at("l"));
    for (const path of ["a", "d", "l", "no/a", "a/b", "n".repeat(256), `${"d/".repeat(2500)}a`])
      expect(() => files.make(path, 0o644, 0, 0, 2)).toThrow("cannot be made");
    expect(readFileSync(at("a")).length).toBe(1);
    expect(readdirSync(dir.path).toSorted()).toEqual(["a", "d", "l"]);
  });

  test.each([
    [-1, 1],
    [0, -1],
    [0, 3_000_001],
    [3_000_000, 1],
  ])("is never of bytes outside of the memory: %d, %d", (from, size) => {
    expect(() => files.make("a", 0o644, 0, from, size)).toThrow(RangeError);
    expect(readdirSync(dir.path)).toEqual([]);
  });

  test("leaves no file open", () => {
    const open = () => readdirSync("/proc/self/fd").length;
    const before = open();
    for (let i = 0; i < 20; i++) files.make(String(i), 0o644, 0, 0, 10);
    expect(() => files.make("0", 0o644, 0, 0, 10)).toThrow();
    expect(open()).toBe(before);
  });
});

describe.if(isLinux)("a new folder", () => {
  test("is told from one that is there, or cannot be", () => {
    expect(files.folder("d", 0o755)).toBe(true);
    expect(files.folder("d/e", 0o700)).toBe(true);
    expect(lstatSync(at("d/e")).mode & 0o777).toBe(0o700);
    files.make("a", 0o644, 0, 0, 1);
    for (const path of ["d", "a", "no/d", "a/d"]) expect(files.folder(path, 0o755)).toBe(false);
  });

  test("is told from one whose mode is another", () => {
    withUmask(0o022, () => expect(files.folder("d", 0o777)).toBe(false));
    expect(lstatSync(at("d")).mode & 0o777).toBe(0o755);
    withUmask(0o022, () => expect(files.folder("e", 0o755)).toBe(true));
    withUmask(0o022, () => expect(files.folder("f", 0o775)).toBe(false));
  });
});

test("without a C library there is none", () => {
  globalThis.isWithout = (what) => what === "libc";
  try {
    expect(openNewFiles(dir.path, memory)).toBeUndefined();
  } finally {
    globalThis.isWithout = undefined;
  }
});
