import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openReplacement } from "../format/io/replacement.ts";
import type { Bytes } from "../format/types.ts";
import { sha256Hex } from "../format/wire/hashes.ts";
import { tempDir } from "../tests/support/temp-dir.ts";
import { appendKept } from "./kept-bytes.ts";
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

test("what is as it was kept is appended", async () => {
  using file = openOutput();
  expect(await appendKept(cached, file)).toBe(true);
  expect(file.written).toBe(10 + BYTES.length);
  const written = new Uint8Array(readFileSync(file.path));
  expect(sha256Hex(written.subarray(10))).toBe(DIGEST);
});

test.each<[string, () => void]>([
  ["another byte", () => writeFileSync(cached.path, changed(4_999_999))],
  ["a byte less", () => truncateSync(cached.path, BYTES.length - 1)],
  ["a byte more", () => writeFileSync(cached.path, "x", { flag: "a" })],
  ["no file", () => rmSync(cached.path)],
])("with %s, nothing of it stays", async (_, damage) => {
  damage();
  using file = openOutput();
  expect(await appendKept(cached, file)).toBe(false);
  expect(file.written).toBe(10);
  expect(readFileSync(file.path)).toHaveLength(10);
});

test("with an end that is gone while it is read, nothing of it stays", async () => {
  using file = openOutput();
  const write = file.write.bind(file);
  const cutting = {
    ...file,
    get written() {
      return file.written;
    },
    write(piece: Bytes) {
      truncateSync(cached.path, piece.length);
      write(piece);
    },
  };
  expect(await appendKept(cached, cutting)).toBe(false);
  expect(file.written).toBe(10);
  expect(readFileSync(file.path)).toHaveLength(10);
});
