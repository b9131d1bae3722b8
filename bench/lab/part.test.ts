import { expect, test } from "bun:test";
import { sizeAt } from "./content.ts";
import { partOf, sharesOf, type SizedFile, totalOf } from "./part.ts";

const tree = Array.from({ length: 5000 }, (_, i): SizedFile => [
  `f${(i * 7919) % 5000}`,
  sizeAt((i + 0.5) / 5000),
]);
const total = totalOf(tree);

test.each([0.01, 0.1, 0.5, 0.9])(
  "a part with %p of the bytes has about as many of the files, each once",
  (share) => {
    const part = partOf(tree, total * share);
    expect(totalOf(part)).toBeGreaterThanOrEqual(total * share);
    expect(totalOf(part)).toBeLessThan(total * share * 1.5);
    expect(part.length / tree.length).toBeGreaterThan(share * 0.5);
    expect(part.length / tree.length).toBeLessThan(share * 2);
    expect(new Set(part).size).toBe(part.length);
  },
);

test("a part does not depend on the order of files", () => {
  expect(partOf(tree.toReversed(), total / 10)).toEqual(partOf(tree, total / 10));
});

test("a part that is more than all is all, and of nothing nothing", () => {
  expect(new Set(partOf(tree, total * 2))).toEqual(new Set(tree));
  expect(partOf([], 1e6)).toEqual([]);
});

test("shares have whole folders and about as many bytes", () => {
  const files = [
    ["a/1", 50],
    ["a/2", 10],
    ["b/1", 40],
    ["c", 30],
    ["d/e/1", 25],
    ["f", 1],
  ] as const;
  expect(sharesOf(files, 3)).toEqual([
    [
      ["a/1", 50],
      ["a/2", 10],
    ],
    [
      ["b/1", 40],
      ["f", 1],
    ],
    [
      ["c", 30],
      ["d/e/1", 25],
    ],
  ]);
});
