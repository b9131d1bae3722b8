import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { openWorkFolder } from "./folders.ts";

test("a folder that nobody named is new, and gone at the end", () => {
  using parent = tempDir();
  const folder = openWorkFolder(undefined, parent.path);
  writeFileSync(join(folder.path, "file"), "");
  folder.remove();
  expect(readdirSync(parent.path)).toEqual([]);
});

test("a named folder is made, used again by the next run, and empty at the end", () => {
  using parent = tempDir();
  const path = join(parent.path, "work", "here");
  openWorkFolder(path, "/nowhere");
  writeFileSync(join(path, "kept"), "");
  const { remove } = openWorkFolder(path, "/nowhere");
  expect(existsSync(join(path, "kept"))).toBe(true);
  remove();
  expect(readdirSync(path)).toEqual([]);
});

test("a folder with files of others is refused, and left alone", () => {
  using parent = tempDir();
  mkdirSync(join(parent.path, "documents"));
  expect(() => openWorkFolder(parent.path, "/nowhere")).toThrow(
    `Cannot work in ${parent.path}: it has files of others, wanted an empty folder`,
  );
  expect(readdirSync(parent.path)).toEqual(["documents"]);
});
