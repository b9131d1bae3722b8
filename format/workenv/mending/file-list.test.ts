import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isDirectoryMode } from "./file-facts.ts";
import { joined, listOf, rowOf, rowsIn } from "./file-list.ts";
import type { IndexedFile } from "./stat-index.ts";

const [FILE, FOLDER] = [0o100644, 0o040755];
/** Paths that may look like the text around them. */
const path = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc
    .array(fc.constantFrom("[", "]", '"', ",", "\\", "0", "a"), { maxLength: 9 })
    .map((parts) => parts.join("")),
);
const row: fc.Arbitrary<IndexedFile> = fc.tuple(
  path,
  fc.nat(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((mtime) => mtime + 0),
  fc.constantFrom(FILE, FOLDER),
  fc.integer(),
);
const rows = fc.uniqueArray(row, { selector: ([name]) => name, maxLength: 60 });
const file = (name: string): IndexedFile => [name, 1, 2.5, FILE, 0];

describe("property: lists", () => {
  test("give back what went in, in one or in several", () => {
    fc.assert(
      fc.property(fc.array(rows, { maxLength: 4 }), (parts) => {
        const all = joined(parts.map(listOf));
        expect(rowsIn(structuredClone(all))).toEqual(parts.flat());
        expect([all.count, all.files]).toEqual([
          parts.flat().length,
          parts.flat().filter(([, , , mode]) => !isDirectoryMode(mode)).length,
        ]);
      }),
    );
  });

  test("find a row by its path, and none by another", () => {
    fc.assert(
      fc.property(rows, path, (some, other) => {
        const list = listOf(some);
        for (const name of [other, ...some.map(([it]) => it)])
          expect(rowOf(list, name)).toEqual(
            name.startsWith(",") ? undefined : some.find(([it]) => it === name),
          );
      }),
    );
  });

  test("have files spread over all, each once", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200), { minLength: 1, maxLength: 5 }), (sizes) => {
        const parts = sizes.map((size, part) => Array.from({ length: size }, (_, i) => file(`${part}/${i}`)));
        const names = joined(parts.map(listOf)).spread.map(([name]) => name);
        const all = parts.flat().map(([name]) => name);
        expect(names).toHaveLength(Math.min(32, all.length));
        const places = names.map((name) => all.indexOf(name));
        expect(places).toEqual([...new Set(places)].toSorted((a, b) => a - b));
        for (const [part, size] of sizes.entries()) {
          const share = names.filter((name) => name.startsWith(`${part}/`)).length;
          expect(Math.abs(share - (size * names.length) / (all.length || 1))).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

test("a path that looks like the end of a row and the beginning of the next is not found where it is none", () => {
  const list = listOf([file("a["), file(",1,1,1,1]")]);
  expect(rowOf(list, ",1,2.5,33188,0],[")).toBeUndefined();
});

test("folders stand for nothing", () => {
  expect(listOf([["a", 0, 0, FOLDER, 0], file("a/b")]).spread).toEqual([["a/b", 1, 2.5, FILE]]);
});
