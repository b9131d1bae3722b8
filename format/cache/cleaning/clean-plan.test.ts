import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Candidate, type Limits, planCleaning, totalOf } from "./clean-plan.ts";

interface Named extends Candidate {
  readonly name: string;
}

const NOW = 1_000_000;
const NONE = Number.POSITIVE_INFINITY;

const entry = (name: string, age: number, own: number, more: Partial<Named> = {}): Named => ({
  name,
  lastUsed: NOW - age,
  weight: { own, linked: new Map(), files: 1 },
  ...more,
});

const limits = (more: Partial<Limits> = {}): Limits => ({
  maxAge: NONE,
  maxSize: NONE,
  spare: "none",
  ...more,
});

const plan = (entries: readonly Named[], asked: Limits | "everything", rest = 0) => {
  const { goes, stays } = planCleaning(entries, asked, { now: NOW, rest });
  const named = (list: readonly (readonly [Named, string])[]) =>
    Object.fromEntries(list.map(([{ name }, why]) => [name, why]));
  return { goes: named(goes), stays: named(stays), order: goes.map(([{ name }]) => name) };
};

test("without limits nothing goes, and everything is everything but what is guarded", () => {
  const entries = [entry("a", 5, 10), entry("b", 50, 10), entry("c", 1, 10, { guarded: "running" })];
  expect(plan(entries, limits())).toEqual({
    goes: {},
    stays: { a: "recent", b: "recent", c: "running" },
    order: [],
  });
  expect(plan(entries, "everything")).toEqual({
    goes: { a: "asked", b: "asked" },
    stays: { c: "running" },
    order: ["b", "a"],
  });
});

test("age alone: more than the limit, not just as much; a time in the future is no age", () => {
  const entries = [entry("just", 30, 1), entry("more", 31, 1), entry("future", -5, 1)];
  expect(plan(entries, limits({ maxAge: 30 }))).toMatchObject({
    goes: { more: "old" },
    stays: { just: "recent", future: "recent" },
  });
});

test("size alone: the least recently used, and not one more than needed", () => {
  const entries = [entry("a", 1, 40), entry("b", 3, 40), entry("c", 2, 40)];
  expect(plan(entries, limits({ maxSize: 120 })).order).toEqual([]);
  expect(plan(entries, limits({ maxSize: 119 })).order).toEqual(["b"]);
  expect(plan(entries, limits({ maxSize: 79 })).order).toEqual(["b", "c"]);
  expect(plan(entries, limits({ maxSize: 120 }), 1).order).toEqual(["b"]);
  expect(plan(entries, limits({ maxSize: 0 })).order).toEqual(["b", "c", "a"]);
});

test("what age takes away is not counted by size", () => {
  const entries = [entry("old", 100, 50), entry("b", 3, 40), entry("c", 2, 40)];
  expect(plan(entries, limits({ maxAge: 10, maxSize: 80 }))).toMatchObject({ goes: { old: "old" } });
});

test("what is guarded counts but does not go: others go for it", () => {
  const entries = [entry("held", 9, 70, { guarded: "edited" }), entry("b", 3, 20), entry("c", 2, 20)];
  expect(plan(entries, limits({ maxSize: 100 }))).toMatchObject({
    goes: { b: "size" },
    stays: { held: "edited", c: "recent" },
  });
});

test("the last used one can be spared, by size only", () => {
  const entries = [entry("a", 1, 40), entry("b", 3, 40)];
  expect(plan(entries, limits({ maxSize: 10, spare: "last used" }))).toMatchObject({
    goes: { b: "size" },
    stays: { a: "last used" },
  });
  expect(plan(entries, limits({ maxAge: 0, spare: "last used" })).goes).toEqual({ a: "old", b: "old" });
});

test("a file with several names is freed with the last of them", () => {
  const shared = new Map([["1:7", 100]]);
  const linked = (name: string, age: number) =>
    entry(name, age, 0, { weight: { own: 10, linked: shared, files: 1 } });
  const entries = [linked("a", 3), linked("b", 2), entry("c", 1, 10)];
  expect(totalOf(entries)).toBe(130);
  expect(plan(entries, limits({ maxSize: 120 })).order).toEqual(["a"]);
  expect(plan(entries, limits({ maxSize: 119 })).order).toEqual(["a", "b"]);
});

describe("whatever is in a cache", () => {
  const anyEntry = fc.record({
    name: fc.uuid(),
    lastUsed: fc.integer({ min: NOW - 100, max: NOW + 10 }),
    guarded: fc.option(fc.constantFrom("running", "edited", "unclear"), { nil: undefined, freq: 3 }),
    weight: fc.record({
      own: fc.nat(100),
      files: fc.nat(9),
      linked: fc
        .uniqueArray(fc.nat(5), { maxLength: 4 })
        .map((files) => new Map(files.map((file) => [`1:${file}`, 10 + file]))),
    }),
  }) as fc.Arbitrary<Named>;
  const anyLimits: fc.Arbitrary<Limits> = fc.record({
    maxAge: fc.oneof(fc.nat(100), fc.constant(NONE)),
    maxSize: fc.oneof(fc.nat(500), fc.constant(NONE)),
    spare: fc.constantFrom("last used", "none"),
  });
  const cases = [fc.array(anyEntry, { maxLength: 12 }), anyLimits, fc.nat(50)] as const;

  test("each entry either goes or stays, and what is guarded stays", () => {
    fc.assert(
      fc.property(...cases, (entries, asked, rest) => {
        const { goes, stays } = planCleaning(entries, asked, { now: NOW, rest });
        const all = [...goes, ...stays].map(([{ name }]) => name);
        expect(all.toSorted()).toEqual(entries.map(({ name }) => name).toSorted());
        expect(goes.filter(([{ guarded }]) => guarded !== undefined)).toEqual([]);
      }),
    );
  });

  test("the rest fits, unless only what must stay is left", () => {
    fc.assert(
      fc.property(...cases, (entries, asked, rest) => {
        const { stays } = planCleaning(entries, asked, { now: NOW, rest });
        const fits = rest + totalOf(stays.map(([one]) => one)) <= asked.maxSize;
        const free = stays.filter(([{ guarded }]) => guarded === undefined);
        const spared = asked.spare === "last used" ? 1 : 0;
        expect(fits || free.length <= spared).toBe(true);
        for (const [one] of free) expect(NOW - one.lastUsed).not.toBeGreaterThan(asked.maxAge);
      }),
    );
  });

  test("nothing goes for its size that was used after something that stays, and the last one was needed", () => {
    fc.assert(
      fc.property(...cases, (entries, asked, rest) => {
        const { goes, stays } = planCleaning(entries, asked, { now: NOW, rest });
        const bySize = goes.filter(([, why]) => why === "size").map(([one]) => one);
        const oldestStaying = Math.min(
          ...stays.filter(([, why]) => why === "recent").map(([{ lastUsed }]) => lastUsed),
        );
        for (const one of bySize) expect(one.lastUsed).toBeLessThanOrEqual(oldestStaying);
        const last = bySize.at(-1);
        if (last !== undefined)
          expect(rest + totalOf([...stays.map(([one]) => one), last])).toBeGreaterThan(asked.maxSize);
      }),
    );
  });
});
