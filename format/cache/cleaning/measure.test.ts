import { expect, test } from "bun:test";
import { linkSync, mkdirSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { measure, statOf } from "./measure.ts";

const blocks = (path: string): number => statSync(path).blocks * 512;

test("blocks are counted, not lengths: a file of holes takes nothing", () => {
  using dir = tempDir();
  const folder = blocks(dir.path);
  writeFileSync(join(dir.path, "full"), new Uint8Array(100_000).fill(1));
  writeFileSync(join(dir.path, "holes"), "");
  truncateSync(join(dir.path, "holes"), 100_000_000);
  const { size, files } = measure(dir.path);
  expect(files).toBe(2);
  expect(size).toBeGreaterThanOrEqual(100_000);
  expect(size).toBeLessThan(1_000_000 + folder);
});

test("several names of a file count once in size, also across trees, and each in number", () => {
  using dir = tempDir();
  const [a, b] = [join(dir.path, "a"), join(dir.path, "b")];
  for (const folder of [a, b]) mkdirSync(folder);
  writeFileSync(join(a, "one"), new Uint8Array(10_000).fill(1));
  linkSync(join(a, "one"), join(a, "two"));
  linkSync(join(a, "one"), join(b, "three"));
  const once = blocks(a) + blocks(b) + blocks(join(a, "one"));
  expect(measure(a, b)).toEqual({ size: once, files: 3 });
  expect(measure(a).size + measure(b).size).toBeGreaterThan(once);
});

test("links are not followed, what is not there is nothing", () => {
  using dir = tempDir();
  using elsewhere = tempDir();
  writeFileSync(join(elsewhere.path, "big"), new Uint8Array(1_000_000).fill(1));
  symlinkSync(elsewhere.path, join(dir.path, "link"));
  symlinkSync(dir.path, join(dir.path, "loop"));
  expect(measure(dir.path).files).toBe(2);
  expect(measure(dir.path).size).toBeLessThan(1_000_000);
  expect(measure(join(dir.path, "nothing"))).toEqual({ size: 0, files: 0 });
  expect(statOf(join(dir.path, "nothing"))).toBeUndefined();
});
