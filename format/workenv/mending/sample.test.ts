import { expect, test } from "bun:test";
import type { Scope } from "../../command/template.ts";
import { listOf } from "./file-list.ts";
import { sampleOf } from "./sample.ts";
import type { IndexedFile } from "./stat-index.ts";

const [FILE, FOLDER] = [0o100755, 0o040755];
const scope = { workenv: "/cache/env" } as Scope;
const file = (path: string, size = 1): IndexedFile => [path, size, 2.5, FILE, 0];
const namesIn = (facts: readonly (readonly [string, ...unknown[]])[]) => facts.map(([name]) => name);

test("files that a command names are looked at by every start, at most three, and not as others as well", () => {
  const files = ["d", "a", "c", "x", "b"].map((name) => file(name));
  const { entryPoints, others } = sampleOf(listOf(files), "a {workenv}/b ./c d /cache/env/none", scope);
  expect(namesIn(entryPoints)).toEqual(["a", "b", "c"]);
  expect(namesIn(others)).toEqual(["d", "x"]);
});

test("a folder is none of them", () => {
  const rows: readonly IndexedFile[] = [["lib", 0, 0, FOLDER, 0], file("lib/run", 7)];
  expect(sampleOf(listOf(rows), "run {workenv}/lib {workenv}/lib/run", scope)).toEqual({
    entryPoints: [["lib/run", 7, 2.5, FILE]],
    others: [],
  });
});

test("of many others, a few at equal distances stand for all", () => {
  const files = Array.from({ length: 3200 }, (_, i) => file(`f${i}`));
  const { others } = sampleOf(listOf(files), "none", scope);
  expect(namesIn(others)).toEqual(Array.from({ length: 32 }, (_, i) => `f${100 * i}`));
});
