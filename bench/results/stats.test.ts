import { expect, test } from "bun:test";
import fc from "fast-check";
import { median, quantile, summaryOf } from "./stats.ts";

const samples = fc.array(fc.double({ noNaN: true, min: 0, max: 1e9 }), { minLength: 1, maxLength: 50 });

test.each([
  [[5], 5],
  [[3, 1], 2],
  [[9, 1, 5], 5],
  [[4, 1, 3, 2], 2.5],
  [[10, 9, 100], 10], // as numbers, not as texts
])("the median of %p is %p", (list, expected) => {
  expect(median(list)).toBe(expected);
});

test("quartiles lie between samples in proportion", () => {
  expect(summaryOf([1, 2, 3, 4])).toEqual({ median: 2.5, quartiles: [1.75, 3.25], rounds: 4 });
});

test("quantiles go from the smallest sample to the largest, and never back", () => {
  fc.assert(
    fc.property(
      samples,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (list, a, b) => {
        const [low, high] = [quantile(list, Math.min(a, b)), quantile(list, Math.max(a, b))];
        expect(low).toBeLessThanOrEqual(high + 1e-6);
        expect(quantile(list, 0)).toBe(Math.min(...list));
        expect(quantile(list, 1)).toBe(Math.max(...list));
      },
    ),
  );
});

test("the order of samples does not matter, and they stay as they are", () => {
  fc.assert(
    fc.property(samples, (list) => {
      const before = [...list];
      expect(median(list)).toBe(median(list.toReversed()));
      expect(list).toEqual(before);
    }),
  );
});

test("there is no median of nothing", () => {
  expect(() => median([])).toThrow(RangeError);
});
