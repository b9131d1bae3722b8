import { expect, test } from "bun:test";
import fc from "fast-check";
import { type ByteSource, memorySource } from "../format/io/byte-source.ts";
import { concat } from "../format/codecs/streams.ts";
import type { Bytes } from "../format/types.ts";
import { failureOf } from "../tests/support/failure.ts";
import { decodePrints, encodePrints, isAsPrinted, piecesAsPrinted, printsOf } from "./prints.ts";

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

async function read(source: ByteSource, at: number, prints: ReturnType<typeof printsOf>): Promise<Bytes> {
  const pieces: Bytes[] = [];
  for await (const piece of piecesAsPrinted(source, at, prints)) pieces.push(piece.slice());
  return concat(pieces);
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

test("property: what has the prints is given, from any offset, up to the first piece that has not", async () => {
  await fc.assert(
    fc.asyncProperty(
      sizes,
      fc.nat(100),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      async (pieces, offset, where) => {
        const { bytes, prints } = made(pieces);
        const file = concat([new Uint8Array(offset), bytes, new Uint8Array(5)]);
        const source = memorySource(file);
        expect((await read(source, offset, prints)).length).toBe(bytes.length);
        expect(Buffer.compare(await read(source, offset, prints), bytes)).toBe(0);
        expect(await isAsPrinted(source, offset, prints)).toBe(true);
        if (bytes.length === 0) return;
        const wrong = Math.floor(where * bytes.length);
        file[offset + wrong]! ^= 1;
        const given = await read(source, offset, prints);
        expect(given.length).toBeLessThanOrEqual(wrong);
        expect(Buffer.compare(given, bytes.subarray(0, given.length))).toBe(0);
        expect(await isAsPrinted(source, offset, prints)).toBe(false);
      },
    ),
    { numRuns: 40 },
  );
});

test("a source that ends too early is an error", async () => {
  const { bytes, prints } = made([2_000_000]);
  const source = memorySource(bytes.subarray(0, 1_500_000));
  expect((await failureOf(() => read(source, 0, prints))).code).toBe("io-failed");
});

test("all pieces lie in the same memory", async () => {
  const { bytes, prints } = made([900_000, 10]);
  const memories = new Set<ArrayBufferLike>();
  const source: ByteSource = {
    ...memorySource(bytes),
    async read(at, length, into) {
      memories.add((into as Bytes).buffer);
      (into as Bytes).set(bytes.subarray(at, at + length));
      return (into as Bytes).subarray(0, length);
    },
  };
  expect((await read(source, 0, prints)).length).toBe(bytes.length);
  expect(memories.size).toBe(1);
});
