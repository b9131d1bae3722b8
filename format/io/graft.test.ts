import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { failureOf } from "../../tests/support/failure.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { graft } from "./graft.ts";
import { removeTree } from "./remove-tree.ts";

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
  for (const name of ["from", "into"]) mkdirSync(join(dir.path, name));
});
afterEach(() => {
  removeTree(dir.path);
});

const at = (path: string) => join(dir.path, path);
const modeOf = (path: string) => lstatSync(at(path)).mode & 0o777;
function put(path: string, content: string): void {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), content);
}
const run = () => graft(at("from"), at("into"));

test("files, links and whole folders get into their places, beside what is there", () => {
  put("from/new/deep/a", "a");
  put("from/shared/b", "new b");
  put("into/shared/b", "old b");
  put("into/shared/c", "c");
  symlinkSync("b", at("from/shared/link"));
  run();
  const read = (path: string) => readFileSync(at(path), "utf8");
  expect([read("into/new/deep/a"), read("into/shared/b"), read("into/shared/c")]).toEqual([
    "a",
    "new b",
    "c",
  ]);
  expect(readlinkSync(at("into/shared/link"))).toBe("b");
  expect(existsSync(at("from/new"))).toBe(false);
});

test("a file that somebody has open stays what it was for them", () => {
  put("from/a", "new");
  put("into/a", "old");
  const inode = lstatSync(at("into/a")).ino;
  run();
  expect(lstatSync(at("into/a")).ino).not.toBe(inode);
});

test("read-only folders are no hindrance, and stay so", () => {
  put("from/closed/a", "a");
  put("from/shared/b", "b");
  put("into/shared/c", "c");
  chmodSync(at("from/closed"), 0o555);
  chmodSync(at("into/shared"), 0o500);
  run();
  expect([modeOf("into/closed"), modeOf("into/shared")]).toEqual([0o555, 0o500]);
  expect(readFileSync(at("into/shared/b"), "utf8")).toBe("b");
});

test.each([
  ["from/x", "into/x/y", "Cannot put a file at "],
  ["from/x/y", "into/x", "Cannot put a folder at "],
])("%s does not replace %s", async (source, target, message) => {
  put(source, "new");
  put(target, "old");
  const failure = await failureOf(async () => run());
  expect(failure).toMatchObject({ code: "io-failed", message: expect.stringContaining(message) });
  expect(readFileSync(at(target), "utf8")).toBe("old");
});

test("a link to a folder is replaced, not followed", () => {
  put("elsewhere/kept", "kept");
  put("from/x", "new");
  symlinkSync("../elsewhere", at("into/x"));
  run();
  expect(lstatSync(at("into/x")).isFile()).toBe(true);
  expect(existsSync(at("elsewhere/kept"))).toBe(true);
});
