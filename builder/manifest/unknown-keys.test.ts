import { expect, test } from "bun:test";
import fc from "fast-check";
import { nearest } from "./unknown-keys.ts";

const KNOWN = ["source", "target", "include", "exclude", "id", "keep_times"];

test.each([
  ["sorce", "source"],
  ["soruce", "source"],
  ["SOURCE", "source"],
  ["keep-times", "keep_times"],
  ["includes", "include"],
  ["ids", "id"],
  ["di", "id"],
  ["banana", undefined],
  ["", undefined],
])("%p is nearest to %p", (word, wanted) => {
  expect(nearest(word, KNOWN)).toBe(wanted);
});

test("property: one slip is always understood in a long word", () => {
  const word = fc.constantFrom("source", "target", "include", "keep_times");
  fc.assert(
    fc.property(word, fc.nat(9), fc.constantFrom("", "x", "xy"), (known, at, put) => {
      const slip = known.slice(0, at % known.length) + put + known.slice((at % known.length) + 1);
      expect(nearest(slip, ["source", "target", "include", "keep_times"])).toBe(known);
    }),
  );
});
