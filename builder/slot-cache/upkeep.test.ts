import { expect, test } from "bun:test";
import { existsSync, mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { sha256Hex } from "../../format/wire/hashes.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { encodeManifest } from "./entry-manifest.ts";
import { entryOf, manifestOf, outputOf, scratchOf } from "./layout.ts";
import { evict, listKept } from "./upkeep.ts";

const keyNamed = (name: string) => sha256Hex(name);
const CONTENT = sha256Hex("content");
const PRINTS = sha256Hex("prints");

/** An entry of so many bytes that was used at a time. */
function make(root: string, name: string, size: number, used: number): void {
  const path = outputOf(root, keyNamed(name), CONTENT);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, new Uint8Array(size));
  const version = {
    stored: CONTENT,
    size,
    originalSize: size,
    prints: PRINTS,
    stamps: CONTENT,
    verified: null,
  };
  writeFileSync(manifestOf(root, keyNamed(name)), encodeManifest([version]));
  for (const file of [path, manifestOf(root, keyNamed(name))]) utimesSync(file, used, used);
}

const has = (root: string, name: string) => existsSync(entryOf(root, keyNamed(name)));

test("entries are listed by their last use", () => {
  using dir = tempDir();
  make(dir.path, "a", 100, 1000);
  make(dir.path, "b", 200, 2000);
  const kept = listKept(dir.path);
  expect(kept.map(({ key }) => key)).toEqual([keyNamed("b"), keyNamed("a")]);
  expect(kept[0]).toMatchObject({ versions: 1, lastUsed: 2_000_000 });
  expect(kept[0]!.size).toBeGreaterThan(200);
  expect(listKept(join(dir.path, "missing"))).toEqual([]);
});

test("what was used longest ago goes first, until the rest is small enough", () => {
  using dir = tempDir();
  for (const [i, name] of ["a", "b", "c"].entries()) make(dir.path, name, 10_000, 1000 + i);
  const gone = evict(dir.path, 25_000).map(({ key }) => key);
  expect(gone).toEqual([keyNamed("a")]);
  expect(["a", "b", "c"].map((name) => has(dir.path, name))).toEqual([false, true, true]);
  evict(dir.path, 0);
  expect(listKept(dir.path)).toEqual([]);
});

test("what killed builds have left goes after a day; what is not ours stays", () => {
  using dir = tempDir();
  make(dir.path, "a", 100, 1000);
  const [fresh, old] = [scratchOf(dir.path, keyNamed("a"), "1"), scratchOf(dir.path, keyNamed("a"), "2")];
  for (const path of [fresh, old, join(dir.path, "README")]) writeFileSync(path, "");
  utimesSync(old, 1000, 1000);
  evict(dir.path, 1_000_000);
  expect([fresh, old, join(dir.path, "README")].map((path) => existsSync(path))).toEqual([true, false, true]);
  evict(dir.path, 0);
  expect(existsSync(join(dir.path, "README"))).toBeTrue();
});

test("outputs that no manifest names any more go after a day", () => {
  using dir = tempDir();
  make(dir.path, "a", 100, 1000);
  const [fresh, old] = ["1", "2"].map((name) => outputOf(dir.path, keyNamed("a"), sha256Hex(name)));
  const prints = outputOf(dir.path, keyNamed("a"), PRINTS);
  for (const path of [fresh, old, prints]) writeFileSync(path as string, "");
  for (const path of [old, prints]) utimesSync(path as string, 1000, 1000);
  evict(dir.path, 1_000_000);
  expect([fresh, old].map((path) => existsSync(path as string))).toEqual([true, false]);
  expect([CONTENT, PRINTS].map((name) => existsSync(outputOf(dir.path, keyNamed("a"), name)))).toEqual([
    true,
    true,
  ]);
});
