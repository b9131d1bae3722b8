import { expect, test } from "bun:test";
import fc from "fast-check";
import { evenScale, logScale, spread } from "./scale.ts";

const values = fc.array(fc.double({ min: 1e-6, max: 1e15, noNaN: true }), { minLength: 1, maxLength: 20 });

test.each([
  [
    [7.3, 2],
    [0, 2, 4, 6, 8],
  ],
  [[4.9], [0, 1, 2, 3, 4, 5]],
  [[100], [0, 20, 40, 60, 80, 100]],
  [[0.031], [0, 0.01, 0.02, 0.03, 0.04]],
  [[], [0, 0.2, 0.4, 0.6, 0.8, 1]],
  [[0], [0, 0.2, 0.4, 0.6, 0.8, 1]],
])("even marks of %p are %p", (list, marks) => {
  expect(evenScale(list, 0, 100).marks).toEqual(marks);
});

test.each([
  [
    [1e6, 300e6],
    [1e6, 3e6, 1e7, 3e7, 1e8, 3e8],
  ],
  [[5], [3, 10]],
  [[10], [10, 30]],
  [[], [1, 3, 10]],
  [
    [0, -3, 5],
    [3, 10],
  ],
])("marks by powers of ten of %p are %p", (list, marks) => {
  expect(logScale(list, 0, 100).marks).toEqual(marks);
});

test("every value has its place on the axis, larger ones farther along", () => {
  fc.assert(
    fc.property(values, (list) => {
      for (const scale of [evenScale(list, 50, 500), logScale(list, 50, 500)]) {
        const places = list.toSorted((a, b) => a - b).map(scale.at);
        for (const [i, place] of places.entries()) {
          expect(place).toBeGreaterThanOrEqual(50 - 1e-6);
          expect(place).toBeLessThanOrEqual(500 + 1e-6);
          expect(place).toBeGreaterThanOrEqual(places[i - 1] ?? place);
        }
        expect(scale.marks.length).toBeGreaterThanOrEqual(2);
      }
    }),
  );
});

test("labels keep their order and their distance, and those with room stay where they are", () => {
  expect(spread([10, 100, 12, 11], 17, 200)).toEqual([10, 100, 44, 27]);
  expect(spread([5, 5, 5], 10, 200)).toEqual([5, 15, 25]);
  expect(spread([90, 95, 100], 10, 100)).toEqual([80, 90, 100]);
  expect(spread([], 10, 200)).toEqual([]);
});
