import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Slot } from "../../reader.ts";
import { groupSlots, isInAreas } from "./slot-groups.ts";

const archive = (target: string, index = 0, originalSize = 1): Slot =>
  ({
    entry: { index, id: `s${index}`, target, operations: ["TAR"], selfRef: false, originalSize },
    stored: { offset: 0, size: 1 },
  }) as unknown as Slot;
const slotsAt = (targets: readonly string[]) => targets.map((target, i) => archive(target, i));
const indicesOf = (slots: readonly Slot[]) =>
  groupSlots(slots).map((group) => group.slots.map(({ entry }) => entry.index));

describe("targets that meet are in one group", () => {
  test.each<[string, string[], number[][]]>([
    ["equal", ["a", "a"], [[0, 1]]],
    ["one below the other", ["a/b", "c", "a"], [[0, 2], [1]]],
    ["the whole workenv", ["a", "b", ""], [[0, 1, 2]]],
    ["the whole workenv by another name", ["a", "./"], [[0, 1]]],
    ["apart", ["a", "b", "ab"], [[0], [1], [2]]],
    ["beside each other", ["lib/a", "lib/b"], [[0], [1]]],
    ["joined late", ["a/x", "b", "a/y", "a"], [[0, 2, 3], [1]]],
    ["written differently", ["a//b/", "a/./b"], [[0, 1]]],
    ["where case does not count", ["Lib/a", "lib/b", "Lib/c"], [[0, 1, 2]]],
    ["where accents are composed or not", ["\u00e9/a", "e\u0301/b"], [[0, 1]]],
  ])("%s", (_, targets, expected) => {
    expect(indicesOf(slotsAt(targets)).toSorted((a, b) => (a[0] as number) - (b[0] as number))).toEqual(
      expected,
    );
  });
});

test("a file without a target has a name of its own, an archive without one is everywhere", () => {
  const file = { ...archive(""), entry: { ...archive("", 0).entry, operations: [] } } as Slot;
  expect(groupSlots([file, archive("lib", 1)]).map(({ areas }) => areas)).toEqual([["slot_0_s0"], ["lib"]]);
  expect(indicesOf([file, archive("", 1)])).toEqual([[0, 1]]);
});

test("a slot that is the package itself is in no group", () => {
  const self = { ...archive("x"), entry: { ...archive("x").entry, selfRef: true } } as Slot;
  expect(groupSlots([self])).toEqual([]);
});

test("the largest comes first", () => {
  const slots = [archive("a", 0, 5), archive("b", 1, 50), archive("c", 2, 7), archive("a/x", 3, 4)];
  expect(groupSlots(slots).map(({ size }) => size)).toEqual([50, 9, 7]);
});

const targets = fc.array(
  fc.array(fc.constantFrom("a", "b", "c", "A", "."), { maxLength: 4 }).map((steps) => steps.join("/")),
  { maxLength: 12 },
);

/** The plain definition: one begins with the other, where "A" and "a" may be the same. */
function doMeet(one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => path.split("/").filter((step) => step !== "" && step !== "."));
  for (const [i, step] of (a ?? []).entries()) {
    const against = b?.[i];
    if (against === undefined) return true;
    if (against !== step) return against.toLowerCase() === step.toLowerCase();
  }
  return true;
}

test("property: every slot is in one group, in order, and groups are what meets, directly or through others", () => {
  fc.assert(
    fc.property(targets, (list) => {
      const groups = indicesOf(slotsAt(list));
      expect(groups.flat().toSorted((a, b) => a - b)).toEqual(list.map((_, i) => i));
      for (const group of groups) expect(group).toEqual(group.toSorted((a, b) => a - b));
      // The reference: neighbours of neighbours until nothing changes.
      const found = list.map((_, i) => i);
      for (const _ of list)
        for (const [i, one] of list.entries())
          for (const [k, other] of list.entries())
            if (doMeet(one, other)) found[i] = found[k] = Math.min(found[i] as number, found[k] as number);
      const reference = [...Map.groupBy(list.keys(), (i) => found[i]).values()];
      const inOrder = (all: number[][]) => all.toSorted((a, b) => (a[0] as number) - (b[0] as number));
      expect(inOrder(groups)).toEqual(inOrder(reference));
    }),
  );
});

test("property: what lies in the areas of one group is not in those of another", () => {
  fc.assert(
    fc.property(targets, targets, (list, paths) => {
      const groups = groupSlots(slotsAt(list));
      for (const path of paths.map((path) => path.replaceAll(/(^|\/)\.(?=\/|$)/g, "").replace(/^\//, "")))
        expect(groups.filter(({ areas }) => isInAreas(areas, path)).length).toBeLessThanOrEqual(1);
    }),
  );
});
