import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import promises from "node:fs/promises";
import { join } from "node:path";
import { memorySource } from "../format/io/byte-source.ts";
import { openReplacement } from "../format/io/replacement.ts";
import type { Bytes, Span } from "../format/types.ts";
import { sha256Hex } from "../format/wire/hashes.ts";
import { failureOf } from "../tests/support/failure.ts";
import { tempDir } from "../tests/support/temp-dir.ts";
import { checkPlaced, digestPlaced, type LauncherFile, placeLauncher } from "./place-launcher.ts";
import { printsOf } from "./prints.ts";
import { openWitness, type Witness } from "./witness.ts";

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

/** Whether a file begins with the launcher that a witness was told of. */
async function isIntact(witness: Witness, file: Bytes): Promise<boolean> {
  await using again = witness.readAgain(memorySource(file));
  return await again.isIntact({ offset: 0, size: LAUNCHER.length } as Span);
}

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

test("what comes behind it is in the same file where a copy is a new file, as Bun makes it on macOS", async () => {
  using spy = spyOn(promises, "copyFile").mockImplementation(async (from, to) => {
    rmSync(to as string);
    writeFileSync(to as string, readFileSync(from as string));
  });
  using file = open();
  await placeLauncher(source, { path }, file);
  expect(spy).toHaveBeenCalledTimes(1);
  file.skipTo(LAUNCHER.length);
  file.write(LAUNCHER);
  file.commit();
  expect(readFileSync(join(dir.path, "out")).length).toBe(2 * LAUNCHER.length);
});

test("its digest is of the bytes that are there, which are noted", async () => {
  using file = open();
  const witness = openWitness();
  await placeLauncher(source, { path }, file);
  file.writeAt(new Uint8Array(1).fill(0xff), 4_000_000);
  const there = new Uint8Array(readFileSync(file.path));
  expect(there).not.toEqual(LAUNCHER);
  expect(await digestPlaced(file, LAUNCHER.length, { path }, witness)).toBe(sha256Hex(there));
  expect(await isIntact(witness, there)).toBe(true);
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

/** The digest of a launcher that was placed, of which these things were noted. */
async function digestOfNoted(noted: Omit<LauncherFile, "path">, witness?: Witness) {
  using file = open();
  await placeLauncher(source, { path }, file);
  return await digestPlaced(file, LAUNCHER.length, { path, ...noted }, witness);
}

const OTHER = LAUNCHER.map((byte, i) => (i === 3_000_000 ? byte ^ 1 : byte));
const [DIGEST, PRINTS] = [sha256Hex(LAUNCHER), printsOf(LAUNCHER)];

test("where prints were noted with a digest, they say whether it is that of the bytes that are there", async () => {
  // It cannot come from the bytes.
  const noted = { sha256: sha256Hex("noted"), prints: PRINTS };
  expect(await digestOfNoted(noted)).toBe(noted.sha256);
  const prints = printsOf(OTHER);
  expect((await failureOf(() => digestOfNoted({ ...noted, prints }))).code).toBe(
    "launcher-checksum-mismatch",
  );
  expect(await digestOfNoted({ sha256: DIGEST, prints })).toBe(DIGEST);
});

test("a witness has the noted prints, whatever is there: it is asked when all is written", async () => {
  writeFileSync(path, OTHER);
  const witness = openWitness();
  expect(await digestOfNoted({ sha256: DIGEST, prints: PRINTS }, witness)).toBe(DIGEST);
  expect(await isIntact(witness, LAUNCHER)).toBe(true);
  expect(await isIntact(witness, OTHER)).toBe(false);
});

test("it is checked without prints, too", async () => {
  using file = open();
  await placeLauncher(source, { path }, file);
  const check = (sha256?: typeof DIGEST) =>
    checkPlaced(file, LAUNCHER.length, { path, prints: PRINTS, ...(sha256 && { sha256 }) });
  await check(DIGEST);
  await check();
  expect((await failureOf(() => check(sha256Hex("another")))).code).toBe("launcher-checksum-mismatch");
});
