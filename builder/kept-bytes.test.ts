import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PspfError } from "../format/errors.ts";
import { openReplacement, type Replacement } from "../format/io/replacement.ts";
import type { Bytes } from "../format/types.ts";
import { sha256Hex } from "../format/wire/hashes.ts";
import { failureOf } from "../tests/support/failure.ts";
import { tempDir } from "../tests/support/temp-dir.ts";
import { appendKept, type Copyist } from "./kept-bytes.ts";
import { printsOf } from "./prints.ts";
import type { CachedSlot } from "./slot-cache/slot-cache.ts";

const BYTES: Bytes = new Uint8Array(5_000_000).map((_, i) => (i * 11) % 253);
const DIGEST = sha256Hex(BYTES);

let dir: ReturnType<typeof tempDir>;
let cached: CachedSlot;
beforeEach(() => {
  dir = tempDir();
  const version = {
    stored: DIGEST,
    size: BYTES.length,
    originalSize: 1,
    prints: DIGEST,
    stamps: DIGEST,
    verified: null,
  };
  cached = { path: join(dir.path, "kept"), version, prints: printsOf(BYTES) };
  writeFileSync(cached.path, BYTES);
});
afterEach(() => dir[Symbol.dispose]());

const changed = (at: number): Bytes => BYTES.map((byte, i) => (i === at ? byte ^ 1 : byte));

/** A package that already has ten bytes. */
function openOutput() {
  const file = openReplacement(join(dir.path, "out"), 0o600);
  file.write(new Uint8Array(10));
  return file;
}

describe.each<Copyist>(["this thread", "idle threads"])("copied by %s", (by) => {
  test("what is as it was kept is appended", async () => {
    using file = openOutput();
    expect(await appendKept(cached, file, by)).toBe(true);
    expect(file.written).toBe(10 + BYTES.length);
    const written = new Uint8Array(readFileSync(file.path));
    expect(sha256Hex(written.subarray(10))).toBe(DIGEST);
  });

  test.each<[string, () => void]>([
    ["another byte", () => writeFileSync(cached.path, changed(4_999_999))],
    ["another byte at the front", () => writeFileSync(cached.path, changed(0))],
    ["a byte less", () => truncateSync(cached.path, BYTES.length - 1)],
    ["a byte more", () => writeFileSync(cached.path, "x", { flag: "a" })],
    ["no file", () => rmSync(cached.path)],
  ])("with %s, nothing of it stays", async (_, damage) => {
    damage();
    using file = openOutput();
    expect(await appendKept(cached, file, by)).toBe(false);
    expect(file.written).toBe(10);
    expect(readFileSync(file.path)).toHaveLength(10);
  });

  test("with an end that is gone while it is read, nothing of it stays", async () => {
    using file = openOutput();
    const cut = (piece: Bytes) => truncateSync(cached.path, piece.length);
    expect(await appendKept(cached, watched(file, cut), by)).toBe(false);
    expect(file.written).toBe(10);
    expect(readFileSync(file.path)).toHaveLength(10);
  });

  test("that it cannot be written is an error, when nobody writes any more", async () => {
    using file = openOutput();
    let writing = 0;
    const fail = (_: Bytes, at: number) => {
      if (at > 1_000_000) throw new PspfError("io-failed", "the disk is full");
    };
    const failing = watched(file, fail);
    const counting: Replacement = {
      ...failing,
      get written() {
        return file.written;
      },
      async writeBeside(piece, at) {
        writing++;
        await failing.writeBeside(piece, at).finally(() => writing--);
      },
    };
    expect((await failureOf(() => appendKept(cached, counting, by))).message).toBe("the disk is full");
    expect(writing).toBe(0);
  });
});

/** A file, and what is to happen before something is written to it. */
const watched = (file: Replacement, before: (piece: Bytes, at: number) => void): Replacement => ({
  ...file,
  get written() {
    return file.written;
  },
  writeAt(piece, at) {
    before(piece, at);
    file.writeAt(piece, at);
  },
  async writeBeside(piece, at) {
    before(piece, at);
    await file.writeBeside(piece, at);
  },
});
