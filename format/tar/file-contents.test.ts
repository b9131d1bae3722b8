import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bytes } from "../types.ts";
import { fileContents, readExactly, readWhole } from "./file-contents.ts";
import { outcome, run, tempDir } from "./testing.ts";

const open = () => (existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0);

const file = (absolute: string, size: number) =>
  ({ path: "a", kind: "file", mode: 0o644, size, mtime: 0, absolute }) as const;

const readAll = (absolute: string, size: number): Bytes => {
  const entry = file(absolute, size);
  using contents = fileContents(entry);
  const into = new Uint8Array(size + 1);
  readExactly(contents, into, size, entry, true);
  return into.subarray(0, size);
};

test("a file is read as a whole or in pieces, and closed", async () => {
  using dir = tempDir();
  const path = join(dir.path, "a");
  const content = new Uint8Array(250_000).map((_, i) => i % 251);
  writeFileSync(path, content);
  const before = open();
  expect(readAll(path, content.length)).toEqual(content);
  {
    const entry = file(path, content.length);
    using contents = fileContents(entry);
    const piece = new Uint8Array(150_001);
    readExactly(contents, piece, 150_000, entry, false);
    expect(piece.subarray(0, 150_000)).toEqual(content.subarray(0, 150_000));
    readExactly(contents, piece, 100_000, entry, true);
    expect(piece.subarray(0, 100_000)).toEqual(content.subarray(150_000));
  }
  for (const size of [0, 1, content.length - 1, content.length + 1])
    expect(await outcome(() => readAll(path, size))).toBe("build-failed");
  expect(open()).toBe(before);
});

test.skipIf(process.platform === "win32")(
  "what became a folder, a fifo or a link neither blocks nor is followed",
  async () => {
    using dir = tempDir();
    run(["mkfifo", "fifo"], dir.path);
    for (const size of [0, 1]) {
      expect(await outcome(() => readAll(join(dir.path, "fifo"), size))).toBe("build-failed");
      expect(await outcome(() => readAll(dir.path, size))).toBe("build-failed");
    }
    writeFileSync(join(dir.path, "target"), "");
    symlinkSync("target", join(dir.path, "link"));
    expect(await outcome(() => readAll(join(dir.path, "link"), 0))).toBe("io-failed");
  },
);

afterEach(() => {
  globalThis.isWithout = undefined;
});

describe.each(["with", "without"])("%s a C library, all of a file", (how) => {
  const whole = (absolute: string, size: number): Bytes => {
    if (how === "without") globalThis.isWithout = (what) => what === "libc";
    const memory = new Uint8Array(size + 9);
    readWhole(file(absolute, size), memory, 8);
    expect(memory.subarray(0, 8)).toEqual(new Uint8Array(8));
    return memory.subarray(8, 8 + size);
  };

  test.each([0, 1, 250_000])("is in the memory, and it is closed: %d bytes", (size) => {
    using dir = tempDir();
    const path = join(dir.path, "a");
    const content = new Uint8Array(size).map((_, i) => (i % 250) + 1);
    writeFileSync(path, content);
    const before = open();
    expect(whole(path, size)).toEqual(content);
    expect(open()).toBe(before);
  });

  test.skipIf(process.platform === "win32")("is refused where it is not what was listed", async () => {
    using dir = tempDir();
    const at = (name: string) => join(dir.path, name);
    writeFileSync(at("a"), "12345");
    symlinkSync("a", at("link"));
    run(["mkfifo", "fifo"], dir.path);
    for (const size of [0, 4, 6]) expect(await outcome(() => whole(at("a"), size))).toBe("build-failed");
    for (const size of [0, 5]) {
      expect(await outcome(() => whole(at("fifo"), size))).toBe("build-failed");
      expect(await outcome(() => whole(dir.path, size))).toBe("build-failed");
      expect(await outcome(() => whole(at("link"), size))).toBe("io-failed");
      expect(await outcome(() => whole(at("gone"), size))).toBe("io-failed");
    }
  });
});
