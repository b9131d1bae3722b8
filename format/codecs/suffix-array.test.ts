import { expect, test } from "bun:test";
import fc from "fast-check";
import { suffixArray } from "./suffix-array.ts";

/** Small alphabets make long repetitions, which is where sorting suffixes is hard. */
const anyText = fc
  .integer({ min: 1, max: 5 })
  .chain((values) => fc.array(fc.nat(values - 1), { maxLength: 60 }))
  .map((values) => Uint8Array.from(values));

test("sorts suffixes as comparing them does", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const naive = [...text.keys()].sort((a, b) => Buffer.compare(text.subarray(a), text.subarray(b)));
      expect([...suffixArray(text, 5)]).toEqual(naive);
    }),
    { numRuns: 500 },
  );
});
