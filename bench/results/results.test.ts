import { expect, test } from "bun:test";
import fc from "fast-check";
import { resultsWith, rowWith } from "./fixture.ts";
import { parseResults, renderResults, rowOf, sizedRows } from "./results.ts";

/** What survives of a number: thousandths. */
const thousandths = fc.integer({ min: -1e9, max: 1e12 }).map((value) => value / 1000);
const rows = fc.array(
  fc
    .record({ ours: fc.array(thousandths), what: fc.string({ unit: "binary" }), note: fc.string() })
    .map(({ ours, what, note }) => rowWith(ours, [], { what, notes: [note, "[ 1,  2 ]"] })),
);

test("results are the same after they were written and read", () => {
  fc.assert(
    fc.property(rows, (list) => {
      const results = resultsWith(list);
      expect(parseResults(renderResults(results))).toEqual(results);
    }),
  );
});

test("samples of a series stand in one line, in thousandths", () => {
  const text = renderResults(resultsWith([rowWith([1.23456, 2, 1e21], [0.5])]));
  expect(text).toContain('"samples": [1.235, 2, 1e+21]');
  expect(text.endsWith("}\n")).toBe(true);
});

test.each([
  ["", "Cannot read results: it is no JSON"],
  ["null", "Cannot read results: the schema is undefined, wanted 1"],
  ['{"schema": 2}', "Cannot read results: the schema is 2, wanted 1"],
  ['{"schema": 1}', "Cannot read results: measurements or machine are missing"],
])("%p is refused", (text, message) => {
  expect(() => parseResults(text)).toThrow(message);
});

test("rows are found by their ids, those with a size in its order", () => {
  const [large, small, other] = [
    rowWith([2], [], { id: "cold/10", size: 10 }),
    rowWith([1], [], { id: "cold/2", size: 2 }),
    rowWith([1], [], { id: "cold" }),
  ];
  const results = resultsWith([large, small, other]);
  expect(sizedRows(results, "cold").map(({ id }) => id)).toEqual(["cold/2", "cold/10"]);
  expect(rowOf(results, "cold")).toBe(other);
  expect(rowOf(results, "warm")).toBeUndefined();
});
