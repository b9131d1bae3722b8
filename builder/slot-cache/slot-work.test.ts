import { expect, test } from "bun:test";
import type { Stats } from "node:fs";
import fc from "fast-check";
import { fromBytes } from "../../format/codecs/streams.ts";
import { changedEntries, type InputEntry, keyOf, type SlotWork, stampsOf } from "./slot-work.ts";

const text = fc.stringMatching(/^[a-z0-9/ \n"]{1,6}$/);
const entry = fc.record({
  path: text,
  kind: fc.constantFrom("file" as const, "directory" as const, "symlink" as const),
  mode: fc.nat(0o777),
  size: fc.nat(1000),
  mtime: fc.nat(1000),
  linkName: text,
});
const recipe = fc.record({
  operations: fc.constantFrom(["TAR", "ZSTD"] as const, ["TAR", "GZIP"] as const, ["TAR"] as const),
  level: fc.constantFrom(undefined, 0, 3, 9),
  mtimes: fc.constantFrom("zero" as const, "keep" as const),
});
const NOWHERE = { path: "", stats: { mtimeMs: 0, ino: 0 } };
const work = fc
  .record({
    kind: fc.constantFrom("tree" as const, "file" as const),
    recipe,
    entries: fc.array(entry, { maxLength: 5 }),
  })
  .map((made): SlotWork => ({
    ...made,
    source: NOWHERE,
    entries: made.entries.map((one) => ({ ...one, absolute: "" })),
    listedAt: 0,
    content: () => fromBytes(new Uint8Array()),
  }));

/** All that the key is about, as a text that no two works share. */
const meaning = ({ kind, recipe, entries }: SlotWork) =>
  JSON.stringify([
    kind,
    recipe,
    recipe.level ?? null,
    entries.map((one) => [
      one.path,
      one.kind,
      one.mode,
      one.size,
      one.linkName,
      recipe.mtimes === "keep" && one.mtime,
    ]),
  ]);

test("property: equal works have the same key, and others have others", () => {
  fc.assert(
    fc.property(work, work, (one, other) => {
      expect(keyOf(structuredCloneOf(one))).toBe(keyOf(one));
      expect(keyOf(one) === keyOf(other)).toBe(meaning(one) === meaning(other));
    }),
    { numRuns: 500 },
  );
});

test("property: any change of one entry is another key", () => {
  const change = fc.constantFrom("path", "kind", "mode", "size", "linkName", "mtime");
  fc.assert(
    fc.property(
      work.filter(({ entries }) => entries.length > 0),
      entry,
      change,
      (one, other, member) => {
        const [first, ...rest] = one.entries as [InputEntry, ...InputEntry[]];
        const changed = {
          ...one,
          entries: [{ ...first, [member]: other[member as keyof typeof other] }, ...rest],
        };
        expect(keyOf(changed) === keyOf(one)).toBe(meaning(changed) === meaning(one));
      },
    ),
    { numRuns: 500 },
  );
});

const structuredCloneOf = (made: SlotWork): SlotWork => ({
  ...made,
  recipe: { ...made.recipe },
  entries: made.entries.map((one) => ({ ...one })),
});

const file = (path: string, mtimeMs: number, ctimeMs = mtimeMs, ino = 1): InputEntry => ({
  path,
  kind: "file",
  mode: 0,
  size: 1,
  mtime: 0,
  absolute: "",
  stats: { mtimeMs, ctimeMs, ino, dev: 1 } as Stats,
});
const listed = (listedAt: number, ...entries: readonly InputEntry[]): SlotWork => ({
  kind: "tree",
  recipe: { operations: ["TAR", "ZSTD"], level: undefined, mtimes: "zero" },
  source: NOWHERE,
  entries,
  listedAt,
  content: () => fromBytes(new Uint8Array()),
});
const changes = (then: SlotWork, now: SlotWork) =>
  [...changedEntries(now.entries, stampsOf(now), stampsOf(then))].map(({ path }) => path);

test.each([
  ["as it was", [file("a", 1000.5)], [file("a", 1000.5)], []],
  ["later", [file("a", 1000.5)], [file("a", 1000.75)], ["a"]],
  ["set back, but touched", [file("a", 1000.5)], [file("a", 1000.5, 1001)], ["a"]],
  ["another file", [file("a", 1000.5)], [file("a", 1000.5, 1000.5, 2)], ["a"]],
  ["one of two", [file("a", 1000.5), file("b", 1.5)], [file("a", 1000.5), file("b", 2.5)], ["b"]],
  ["changed too late to be sure", [file("a", 49_950.5)], [file("a", 49_950.5)], ["a"]],
  ["touched too late to be sure", [file("a", 1000.5, 49_950.5)], [file("a", 1000.5, 49_950.5)], ["a"]],
  ["late, but not too late", [file("a", 49_850.5)], [file("a", 49_850.5)], []],
  ["from a clock that is ahead", [file("a", 99_000.5)], [file("a", 99_000.5)], ["a"]],
  ["of whole seconds, not long ago", [file("a", 49_000)], [file("a", 49_000)], ["a"]],
  ["of whole seconds, long ago", [file("a", 47_000)], [file("a", 47_000)], []],
])("a file that is %s", (_, then, now, changed) => {
  expect(changes(listed(50_000, ...then), listed(50_000, ...now))).toEqual(changed);
});

test("without notes every file may have changed, but no folder", () => {
  const entries = [file("a", 1.5), { ...file("d", 1.5), kind: "directory" as const }];
  const { entries: now } = listed(50_000, ...entries);
  const stamps = stampsOf(listed(50_000, ...entries));
  expect([...changedEntries(now, stamps, undefined)].map(({ path }) => path)).toEqual(["a"]);
  expect([...changedEntries(now, stamps, new Float64Array(4))].map(({ path }) => path)).toEqual(["a"]);
});
