import { expect, test } from "bun:test";
import fc from "fast-check";
import { memorySource } from "../format/io/byte-source.ts";
import type { Bytes, Span } from "../format/types.ts";
import { printsOf } from "./prints.ts";
import { openWitness } from "./witness.ts";

const span = (offset: number, size: number) => ({ offset, size }) as Span;

/** A file that was written in pieces, and a witness of it. */
function written(sizes: readonly number[]) {
  const file: Bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0)).map((_, i) => (i * 7) % 251);
  const witness = openWitness();
  let at = 0;
  for (const size of sizes) {
    witness.note(printsOf(file.subarray(at, at + size)), at);
    at += size;
  }
  return { file, witness };
}

const sizes = fc.array(fc.integer({ min: 1, max: 600_000 }), { minLength: 1, maxLength: 4 });

test("property: a part is intact as it was written, and no more when any byte of it is another", async () => {
  await fc.assert(
    fc.asyncProperty(sizes, fc.double({ min: 0, max: 0.999, noNaN: true }), async (pieces, where) => {
      const { file, witness } = written(pieces);
      const whole = span(0, file.length);
      expect(await witness.isIntact(memorySource(file), whole)).toBe(true);
      const at = Math.floor(where * file.length);
      file[at]! ^= 1;
      expect(await witness.isIntact(memorySource(file), whole)).toBe(false);
    }),
    { numRuns: 30 },
  );
});

test("a part is judged by itself, from where a piece begins to where one ends", async () => {
  const { file, witness } = written([300_000, 10, 300_000]);
  file[5] = 0xff;
  const isIntact = (offset: number, size: number) => witness.isIntact(memorySource(file), span(offset, size));
  expect(await isIntact(300_000, 300_010)).toBe(true);
  expect(await isIntact(300_000, 10)).toBe(true);
  expect(await isIntact(0, 300_000)).toBe(false);
  expect(await isIntact(300_000, 9)).toBe(false);
  expect(await isIntact(300_001, 9)).toBe(false);
  expect(await isIntact(300_000, 0)).toBe(true);
});

test("what nobody has noted is not intact", async () => {
  const witness = openWitness();
  const file = new Uint8Array(30);
  witness.note(printsOf(file.subarray(0, 10)), 0);
  witness.note(printsOf(file.subarray(20, 30)), 20);
  expect(await witness.isIntact(memorySource(file), span(0, 30))).toBe(false);
});

test("what was written anew is judged by the newer bytes", async () => {
  const witness = openWitness();
  witness.note(printsOf(new Uint8Array(10).fill(1)), 0);
  witness.note(printsOf(new Uint8Array(10).fill(2)), 0);
  expect(await witness.isIntact(memorySource(new Uint8Array(10).fill(2)), span(0, 10))).toBe(true);
  expect(await witness.isIntact(memorySource(new Uint8Array(10).fill(1)), span(0, 10))).toBe(false);
});
