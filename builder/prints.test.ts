import { expect, test } from "bun:test";
import fc from "fast-check";
import { memorySource } from "../format/io/byte-source.ts";
import { concat } from "../format/codecs/streams.ts";
import type { Bytes } from "../format/types.ts";
import { failureOf } from "../tests/support/failure.ts";
import {
  decodePrints,
  encodePrints,
  hasPrints,
  isAsPrinted,
  printsOf,
  RUN,
  runsOf,
  totalOf,
} from "./prints.ts";

/** Bytes that were made in pieces of such sizes, and the prints of the pieces. */
function made(sizes: readonly number[]) {
  const size = sizes.reduce((sum, piece) => sum + piece, 0);
  const bytes: Bytes = new Uint8Array(size).map((_, i) => (i * 7) % 251);
  let at = 0;
  const prints = sizes.flatMap((piece) => {
    at += piece;
    return printsOf(bytes.subarray(at - piece, at));
  });
  return { bytes, prints };
}

const sizes = fc.array(fc.oneof(fc.nat(20), fc.nat(700_000)), { maxLength: 8 });

test("property: prints are read as they were written, but not as those of another size", () => {
  fc.assert(
    fc.property(sizes, (pieces) => {
      const { bytes, prints } = made(pieces);
      expect(decodePrints(encodePrints(prints), bytes.length)).toEqual([...prints]);
      expect(decodePrints(encodePrints(prints), bytes.length + 1)).toBeUndefined();
    }),
  );
});

const rows = (...numbers: readonly bigint[]): Bytes => new Uint8Array(new BigUint64Array(numbers).buffer);

test.each<[string, number, Bytes]>([
  ["a row and a half", 4, rows(4n, 1n, 4n)],
  ["a piece without bytes", 4, rows(0n, 1n, 4n, 1n)],
  ["a piece that is more than is read at once", 2 ** 20, rows(2n ** 20n, 1n)],
  ["a piece of more bytes than can be counted", 2 ** 63, rows(2n ** 63n, 1n)],
  ["nothing", 4, new Uint8Array()],
])("%s is no list of prints", (_, size, bytes) => {
  expect(decodePrints(bytes, size)).toBeUndefined();
});

test("property: bytes have their prints, from any offset, and no more when any of them is another", async () => {
  await fc.assert(
    fc.asyncProperty(
      sizes,
      fc.nat(100),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      async (pieces, offset, where) => {
        const { bytes, prints } = made(pieces);
        const file = concat([new Uint8Array(offset), bytes, new Uint8Array(5)]);
        const source = memorySource(file);
        expect(await isAsPrinted(source, offset, prints)).toBe(true);
        expect(hasPrints(bytes, prints)).toBe(true);
        expect(hasPrints(concat([bytes, new Uint8Array(1)]), prints)).toBe(false);
        if (bytes.length === 0) return;
        const wrong = Math.floor(where * bytes.length);
        file[offset + wrong]! ^= 1;
        bytes[wrong]! ^= 1;
        expect(await isAsPrinted(source, offset, prints)).toBe(false);
        expect(hasPrints(bytes, prints)).toBe(false);
      },
    ),
    { numRuns: 40 },
  );
});

test("property: runs are all prints in order, none longer than is read at once, and no two that could be one", () => {
  fc.assert(
    fc.property(sizes, (pieces) => {
      const { prints } = made(pieces);
      const runs = runsOf(prints);
      expect(runs.flat()).toEqual([...prints]);
      const lengths = runs.map(totalOf);
      for (const length of lengths) expect(length).toBeLessThanOrEqual(RUN);
      for (const [i, run] of runs.entries())
        if (i > 0) expect((lengths[i - 1] as number) + (run[0]?.size ?? 0)).toBeGreaterThan(RUN);
    }),
  );
});

test("a source that ends too early is an error", async () => {
  const { bytes, prints } = made([2_000_000]);
  const source = memorySource(bytes.subarray(0, 1_500_000));
  expect((await failureOf(() => isAsPrinted(source, 0, prints))).code).toBe("io-failed");
});
