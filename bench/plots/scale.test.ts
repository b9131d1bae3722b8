import { expect, test } from "bun:test";
import fc from "fast-check";
import { logScale, spread } from "./scale.ts";

const values = fc.array(fc.double({ min: 1e-6, max: 1e15, noNaN: true }), { minLength: 1, maxLength: 20 });

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
      {
        const scale = logScale(list, 50, 500);
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
