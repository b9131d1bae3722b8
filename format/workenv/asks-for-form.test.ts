import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { layoutOf } from "../cache/layout.ts";
import { noteWhetherAsked } from "./asks-for-form.ts";
import { bunRuntimeOf } from "./bun-link.ts";

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "asks-"));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

const WORD = "isStandaloneExecutable";
const layout = () => layoutOf(cache, "0123456789abcdef");

function isUnasked(files: Readonly<Record<string, string>>): boolean {
  for (const [path, text] of Object.entries(files)) {
    const target = join(layout().content, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  noteWhetherAsked(layout());
  return existsSync(bunRuntimeOf(layout().bun).unasked);
}

test.each([
  ["no script", { "a.txt": WORD, "data/b.json": WORD, "c.jsx.map": WORD }, true],
  ["scripts without the word", { "a.js": "isStandalone Executable", "empty.ts": "" }, true],
  ["the word", { "a.js": "1", "deep/er/b.mjs": `if (Bun.${WORD}) {}` }, false],
  ["the word in TypeScript", { "view.tsx": WORD }, false],
])("%s", (_, files, unasked) => {
  expect(isUnasked(files)).toBe(unasked);
});

test("the word at every place around the end of a piece of 256 KiB", () => {
  for (let cut = 0; cut <= WORD.length; cut++)
    expect(isUnasked({ "a.cjs": `${" ".repeat(256 * 1024 - cut)}${WORD}` })).toBe(false);
  const far = `${" ".repeat(2 * 256 * 1024 - 2 * WORD.length + 5)}${WORD}`;
  expect(isUnasked({ "a.cjs": far })).toBe(false);
});

test("what an earlier look has noted goes", () => {
  expect(isUnasked({ "a.js": "1" })).toBe(true);
  expect(isUnasked({ "b.js": WORD })).toBe(false);
});

test("links are not followed, and what cannot be read might ask", () => {
  expect(isUnasked({ "a.js": "1" })).toBe(true);
  symlinkSync(layout().content, join(layout().content, "round.js"));
  expect(isUnasked({})).toBe(true);
  if (process.getuid?.() === 0)
    return void process.stderr.write("not tested: unreadable scripts (as root)\n");
  chmodSync(join(layout().content, "a.js"), 0);
  expect(isUnasked({})).toBe(false);
});
