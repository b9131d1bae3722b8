import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { memorySource } from "../format/io/byte-source.ts";
import { openReplacement } from "../format/io/replacement.ts";
import type { Bytes, Span } from "../format/types.ts";
import { sha256Hex } from "../format/wire/hashes.ts";
import { failureOf } from "../tests/support/failure.ts";
import { tempDir } from "../tests/support/temp-dir.ts";
import { digestPlaced, placeLauncher } from "./place-launcher.ts";
import { openWitness } from "./witness.ts";

const LAUNCHER: Bytes = new Uint8Array(5_000_000).map((_, i) => (i * 13) % 249);
const source = memorySource(LAUNCHER);

let dir: ReturnType<typeof tempDir>;
let path: string;
beforeEach(() => {
  dir = tempDir();
  path = join(dir.path, "launcher");
  writeFileSync(path, LAUNCHER);
  chmodSync(path, 0o755);
});
afterEach(() => dir[Symbol.dispose]());
const open = () => openReplacement(join(dir.path, "out"), 0o755);

test.each<[string, () => string | undefined]>([
  ["a file", () => path],
  ["no file", () => undefined],
  ["a file that is gone", () => join(dir.path, "gone")],
  [
    "a file that is longer by now",
    () => {
      writeFileSync(path, "more", { flag: "a" });
      return path;
    },
  ],
])("a launcher of %s stands in front, and nobody else may read it", async (_, make) => {
  using file = open();
  const from = make();
  await placeLauncher(source, from === undefined ? undefined : { path: from }, file);
  expect(sha256Hex(new Uint8Array(readFileSync(file.path)))).toBe(sha256Hex(LAUNCHER));
  if (process.platform !== "win32") expect(statSync(file.path).mode & 0o777).toBe(0o600);
});

test("its digest is of the bytes that are there, which are noted", async () => {
  using file = open();
  const witness = openWitness();
  await placeLauncher(source, { path }, file);
  file.writeAt(new Uint8Array(1).fill(0xff), 4_000_000);
  const there = new Uint8Array(readFileSync(file.path));
  expect(there).not.toEqual(LAUNCHER);
  expect(await digestPlaced(file, LAUNCHER.length, { path }, witness)).toBe(sha256Hex(there));
  const part = { offset: 0, size: LAUNCHER.length } as Span;
  expect(await witness.isIntact(memorySource(there), part)).toBe(true);
});

test("a digest that is not the noted one is an error of its own", async () => {
  using file = open();
  await placeLauncher(source, { path }, file);
  const digest = (sha256: ReturnType<typeof sha256Hex>) =>
    digestPlaced(file, LAUNCHER.length, { path, sha256 }, undefined);
  expect(await digest(sha256Hex(LAUNCHER))).toBe(sha256Hex(LAUNCHER));
  const error = await failureOf(() => digest(sha256Hex("another")));
  expect(error.code).toBe("launcher-checksum-mismatch");
  expect(error.message).toStartWith(`Cannot use the launcher ${path}: `);
});
