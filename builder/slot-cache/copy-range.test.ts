import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { copyRange } from "./copy-range.ts";

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
});
afterEach(() => dir[Symbol.dispose]());
const at = (name: string) => join(dir.path, name);

const BYTES = new Uint8Array(6_000_000).map((_, i) => (i * 17) % 251);
const wanted = { up: false };

test("property: a range is copied byte for byte, and nobody else may read the copy", async () => {
  writeFileSync(at("whole"), BYTES);
  let count = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(BYTES.length), fc.nat(BYTES.length), async (one, other) => {
      const [offset, end] = [Math.min(one, other), Math.max(one, other)];
      const copy = at(`copy${count++}`);
      await copyRange({ path: at("whole"), offset, size: end - offset }, copy, wanted);
      expect(readFileSync(copy).equals(BYTES.subarray(offset, end))).toBe(true);
      if (process.platform !== "win32") expect(statSync(copy).mode & 0o777).toBe(0o600);
    }),
    { numRuns: 15, examples: [[0, BYTES.length]] },
  );
});

test("a file that ends too early, one that is gone, and one that is in the way, are errors", async () => {
  writeFileSync(at("whole"), BYTES);
  const copying = (name: string, size: number, to: string) =>
    copyRange({ path: at(name), offset: 10, size }, at(to), wanted);
  await expect(copying("whole", BYTES.length, "short")).rejects.toThrow("ends too early");
  await expect(copying("gone", 1, "none")).rejects.toThrow();
  expect(existsSync(at("none"))).toBe(false);
  await expect(copying("whole", 1, "whole")).rejects.toThrow();
  expect(statSync(at("whole")).size).toBe(BYTES.length);
});

test("what is given up ends soon", async () => {
  writeFileSync(at("whole"), BYTES);
  const given = { up: false };
  const copying = copyRange({ path: at("whole"), offset: 0, size: BYTES.length }, at("copy"), given);
  given.up = true;
  await copying;
  expect(statSync(at("copy")).size).toBeLessThan(3_000_000);
});
