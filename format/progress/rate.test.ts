import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { rateOf, type Sample, withSample } from "./rate.ts";

const samplesOf = (...all: readonly (readonly [at: number, done: number])[]): readonly Sample[] =>
  all.reduce<readonly Sample[]>((samples, [at, done]) => withSample(samples, { at, done }), []);

/** So many bytes in each tenth of a second, from a time on. */
const steady = (from: number, to: number, done: number, each: number) =>
  Array.from({ length: (to - from) / 100 }, (_, i) => [from + (i + 1) * 100, done + (i + 1) * each] as const);

describe("the rate", () => {
  test.each([
    ["of nothing", [], undefined],
    ["of a beginning", [[0, 0]], undefined],
    ["of less than half a second", steady(0, 400, 0, 10), undefined],
    ["of a second", [[0, 0], ...steady(0, 1000, 0, 10)], 100],
    [
      "of work that stands still",
      [
        [0, 0],
        [1000, 500],
        [7000, 500],
        [7100, 500],
      ],
      0,
    ],
    [
      "over a pause without samples",
      [
        [0, 0],
        [8000, 4000],
      ],
      500,
    ],
    [
      "of a count that went back",
      [
        [0, 1000],
        [1000, 0],
      ],
      0,
    ],
  ] as const)("%s", (_, samples, rate) => {
    expect(rateOf(samplesOf(...samples))).toBe(rate);
  });

  test("is that of the last five seconds, whatever was before", () => {
    const slow = [[0, 0], ...steady(0, 60_000, 0, 1)] as const;
    const fast = steady(60_000, 65_100, 600, 1000);
    expect(rateOf(samplesOf(...slow, ...fast))).toBe(10_000);
  });
});

test("few samples are kept, and the rate is never outside of what happened", () => {
  const pieces = fc.array(fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.nat(1e9)), { maxLength: 200 });
  fc.assert(
    fc.property(pieces, (all) => {
      let samples: readonly Sample[] = [{ at: 0, done: 0 }];
      const rates: number[] = [];
      for (const [time, bytes] of all) {
        const { at, done } = samples.at(-1) as Sample;
        samples = withSample(samples, { at: at + time, done: done + bytes });
        rates.push((bytes * 1000) / time);
        const inside = samples.slice(1).every((sample) => at + time - sample.at < 5000);
        expect(inside).toBe(true);
      }
      const rate = rateOf(samples);
      if (rate === undefined) return;
      expect(rate).toBeGreaterThanOrEqual(Math.min(...rates) * 0.999999);
      expect(rate).toBeLessThanOrEqual(Math.max(...rates) * 1.000001);
    }),
  );
});
