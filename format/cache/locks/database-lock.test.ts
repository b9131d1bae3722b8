import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { canUseDatabaseIn, tryDatabase } from "./database-lock.ts";

let dir: ReturnType<typeof tempDir>;
beforeAll(() => {
  dir = tempDir();
});
afterAll(() => dir[Symbol.dispose]());
afterEach(() => {
  globalThis.isWithout = undefined;
});

let files = 0;
const newFile = () => join(dir.path, `${files++}.sqlite`);
const newEmptyFile = () => {
  const file = newFile();
  writeFileSync(file, "");
  return file;
};
const isHeld = (lock: ReturnType<typeof tryDatabase>): lock is Disposable => typeof lock === "object";

test("one at a time, also within a process", () => {
  const file = newFile();
  const lock = tryDatabase(file);
  expect(isHeld(lock)).toBe(true);
  expect([tryDatabase(file), tryDatabase(file)]).toEqual([undefined, undefined]);
  if (isHeld(lock)) lock[Symbol.dispose]();
  const next = tryDatabase(file);
  expect(isHeld(next)).toBe(true);
  if (isHeld(next)) next[Symbol.dispose]();
});

// The question is asked after the file was opened and before it is locked.
test.skipIf(process.platform === "win32").each([
  ["removed", (file: string) => rmSync(file)],
  ["replaced", (file: string) => renameSync(newEmptyFile(), file)],
])("a lock on a file that was %s by its last holder is none", (_, act) => {
  const file = newFile();
  globalThis.isWithout = () => {
    act(file);
    return false;
  };
  expect(tryDatabase(file)).toBeUndefined();
  globalThis.isWithout = undefined;
  const lock = tryDatabase(file);
  expect(isHeld(lock)).toBe(true);
  if (isHeld(lock)) lock[Symbol.dispose]();
});

test("a file that is no database is unusable", () => {
  const file = newFile();
  writeFileSync(file, "not a database ".repeat(100));
  expect(tryDatabase(file)).toBe("unusable");
});

test("whether it works in a folder is found out on a file that is gone afterwards", () => {
  const [works, fails] = ["works", "fails"].map((name) => join(dir.path, name)) as [string, string];
  for (const folder of [works, fails]) mkdirSync(folder);
  expect(canUseDatabaseIn(works)).toBe(true);
  globalThis.isWithout = (what) => what === "sqlite";
  expect(canUseDatabaseIn(fails)).toBe(false);
  expect([...readdirSync(works), ...readdirSync(fails)]).toEqual([]);
});

test("a file that cannot be made is an error with its path", () => {
  const file = join(dir.path, "nowhere", "lock.sqlite");
  expect(() => tryDatabase(file)).toThrow(`Cannot open the lock ${file}`);
  expect(existsSync(file)).toBe(false);
});
