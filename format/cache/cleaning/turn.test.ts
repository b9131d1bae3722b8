import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { storeOf } from "../layout.ts";
import { stampOf, takeTurn, withTurn } from "./turn.ts";

let dir: ReturnType<typeof tempDir>;
let cache: string;
beforeEach(() => {
  dir = tempDir();
  cache = join(dir.path, "cache");
  mkdirSync(dirname(stampOf(cache)), { recursive: true });
});
afterEach(() => dir[Symbol.dispose]());

const HOUR = 60 * 60 * 1000;
const setStamp = (ago: number): void => {
  const then = (Date.now() - ago) / 1000;
  utimesSync(stampOf(cache), then, then);
};

test("a cache that was never cleaned has its first turn in a day", async () => {
  expect(await takeTurn(cache)).toBe(false);
  expect(Date.now() - statSync(stampOf(cache)).mtimeMs).toBeLessThan(HOUR);
  setStamp(25 * HOUR);
  expect(await takeTurn(cache)).toBe(true);
});

test.each([
  ["23 hours ago", 23 * HOUR, false],
  ["25 hours ago", 25 * HOUR, true],
  ["in an hour, as clocks differ", -HOUR, false],
  ["in two days, which is no time", -48 * HOUR, true],
])("cleaned %s", async (_, ago, expected) => {
  await takeTurn(cache);
  setStamp(ago);
  expect([await takeTurn(cache), await takeTurn(cache)]).toEqual([expected, false]);
});

test("of many who ask at once one gets it, and nothing is left of their locks", async () => {
  await takeTurn(cache);
  setStamp(25 * HOUR);
  const turns = await Promise.all(Array.from({ length: 8 }, () => takeTurn(cache)));
  expect(turns.filter(Boolean)).toHaveLength(1);
  expect(readdirSync(storeOf(cache).locks)).toEqual([]);
});

test("while somebody cleans, nobody else does; who fails gives the turn back", async () => {
  await takeTurn(cache);
  setStamp(25 * HOUR);
  await withTurn(cache, async () => {
    expect(await withTurn(cache, async () => true)).toBe(false);
    expect(await takeTurn(cache)).toBe(false);
    return true;
  });
  await expect(withTurn(cache, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  expect(await withTurn(cache, async () => true)).toBe(true);
});

test("who has no turn touches nothing", async () => {
  await takeTurn(cache);
  const { locks } = storeOf(cache);
  const before = existsSync(locks) ? statSync(locks).mtimeMs : undefined;
  expect(await takeTurn(cache)).toBe(false);
  expect(existsSync(locks) ? statSync(locks).mtimeMs : undefined).toBe(before as number);
});
