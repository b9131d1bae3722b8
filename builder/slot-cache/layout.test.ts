import { expect, test } from "bun:test";
import { join } from "node:path";
import { sha256Hex } from "../../format/wire/hashes.ts";
import { entryOf, isScratch, isShard, manifestOf, outputOf, rootOf, scratchOf, shardOf } from "./layout.ts";

const KEY = sha256Hex("key");
const CONTENT = sha256Hex("content");

test("everything of an entry lies in its shard", () => {
  const root = rootOf("/cache");
  const entry = join("/cache", "v1", "2c", KEY);
  expect(KEY.slice(0, 2)).toBe("2c");
  expect([shardOf(root, KEY), entryOf(root, KEY)]).toEqual([join("/cache", "v1", "2c"), entry]);
  expect(manifestOf(root, KEY)).toBe(join(entry, "manifest.json"));
  expect(outputOf(root, KEY, CONTENT)).toBe(join(entry, "outputs", CONTENT));
  expect(scratchOf(root, KEY, "random")).toBe(join("/cache", "v1", "2c", `.tmp-${KEY}-random`));
});

test("names tell what is what", () => {
  expect(["2c", "ff", "2C", "c", "2cc", ".tmp-"].map(isShard)).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
  expect([`.tmp-${KEY}-r`, KEY].map(isScratch)).toEqual([true, false]);
});
