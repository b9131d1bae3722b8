import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Bytes } from "../../format/types.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { type Bundle, launcherBundle } from "./bundle.ts";
import { gatherStart } from "./one-start.ts";

const encode = (text: string) => new TextEncoder().encode(text) as Bytes;
const textsOf = (bundle: Bundle) =>
  Object.fromEntries(bundle.map(({ name, bytes }) => [name, new TextDecoder().decode(bytes)]));

test("what is loaded late says that it needs all that the start has loaded, near and far; nothing else changes", () => {
  const texts = {
    "main.js": 'import"./near.js";import{x}from"path";x(()=>import("./late.js"));',
    "far.js": "export let f=1;",
    "late.js": 'import{s}from"./shared.js";import("./later.js");s();',
    "later.js": 'import{s}from"./shared.js";s();',
    "near.js": 'export*from"./far.js";',
    "shared.js": "export let s=()=>{};",
  };
  const files = Object.entries(texts).map(([name, text]) => ({ name, bytes: encode(text) }));
  const needs = 'import"./near.js";import"./far.js";';
  expect(textsOf(gatherStart(files as unknown as Bundle))).toEqual({
    ...texts,
    "late.js": `${needs}${texts["late.js"]}`,
    "later.js": `${needs}${texts["later.js"]}`,
  });
});

test("split once more, the launcher's program loads one file besides itself at a start", async () => {
  using dir = tempDir();
  for (const { name, bytes } of await launcherBundle()) await Bun.write(join(dir.path, name), bytes);
  const { outputs } = await Bun.build({
    entrypoints: [join(dir.path, "main.js")],
    target: "bun",
    format: "esm",
    minify: true,
    splitting: true,
  });
  const transpiler = new Bun.Transpiler({ loader: "js" });
  const loaded = async (name: string) => {
    const text = await outputs.find(({ path }) => path.endsWith(name))?.text();
    return transpiler
      .scanImports(text ?? "")
      .filter(({ kind, path }) => kind === "import-statement" && path.startsWith("./"))
      .map(({ path }) => path.slice(2));
  };
  const [other = "", ...more] = await loaded("main.js");
  expect(other).toMatch(/\.js$/);
  expect(more).toEqual([]);
  expect(await loaded(other)).toEqual([]);
});
