import { expect, test } from "bun:test";
import fc from "fast-check";
import { huffmanLengths } from "./huffman-lengths.ts";

const kraft = (lengths: Uint8Array): number => lengths.reduce((sum, length) => sum + 2 ** -length, 0);

test("codes are complete, short enough, and shorter for heavier symbols", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1_000_000), { minLength: 2, maxLength: 258 }), (weights) => {
      const lengths = huffmanLengths(Uint32Array.from(weights), 17);
      expect(kraft(lengths)).toBe(1);
      expect(Math.max(...lengths)).toBeLessThanOrEqual(17);
      for (let i = 1; i < weights.length; i++)
        if (weights[i]! > weights[i - 1]!) expect(lengths[i]!).toBeLessThanOrEqual(lengths[i - 1]!);
    }),
  );
});

test("weights that ask for longer codes are flattened", () => {
  const fibonacci = [1, 1];
  while (fibonacci.length < 40) fibonacci.push(fibonacci.at(-1)! + fibonacci.at(-2)!);
  const lengths = huffmanLengths(Uint32Array.from(fibonacci), 17);
  expect(Math.max(...lengths)).toBe(17);
  expect(kraft(lengths)).toBe(1);
});

test("the lengths are Huffman's", () => {
  expect([...huffmanLengths(Uint32Array.of(45, 13, 12, 16, 9, 5), 17)]).toEqual([1, 3, 3, 3, 4, 4]);
});
