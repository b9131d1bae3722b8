import { expect, test } from "bun:test";
import fc from "fast-check";
import { type ByteSource, memorySource } from "../format/io/byte-source.ts";
import type { Bytes, Span } from "../format/types.ts";
import { failureOf } from "../tests/support/failure.ts";
import { printsOf } from "./prints.ts";
import { openWitness, type Witness } from "./witness.ts";

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

/** Whether a part is intact for somebody who reads the file again. */
async function isIntact(witness: Witness, file: Bytes, part: Span): Promise<boolean> {
  await using again = witness.readAgain(memorySource(file));
  return await again.isIntact(part);
}

const sizes = fc.array(fc.integer({ min: 1, max: 600_000 }), { minLength: 1, maxLength: 4 });

test("property: a part is intact as it was written, and no more when any byte of it is another", async () => {
  await fc.assert(
    fc.asyncProperty(sizes, fc.double({ min: 0, max: 0.999, noNaN: true }), async (pieces, where) => {
      const { file, witness } = written(pieces);
      const whole = span(0, file.length);
      expect(await isIntact(witness, file, whole)).toBe(true);
      const at = Math.floor(where * file.length);
      file[at]! ^= 1;
      expect(await isIntact(witness, file, whole)).toBe(false);
    }),
    { numRuns: 30 },
  );
});

test("a part is judged by itself, from where something was noted to where that ends", async () => {
  const { file, witness } = written([300_000, 10, 300_000]);
  file[5] = 0xff;
  await using again = witness.readAgain(memorySource(file));
  expect(await again.isIntact(span(300_000, 300_010))).toBe(true);
  expect(await again.isIntact(span(300_000, 10))).toBe(true);
  expect(await again.isIntact(span(0, 300_000))).toBe(false);
  expect(await again.isIntact(span(300_000, 9))).toBe(false);
  expect(await again.isIntact(span(300_001, 9))).toBe(false);
  expect(await again.isIntact(span(300_000, 0))).toBe(true);
});

test("what nobody has noted is not intact", async () => {
  const witness = openWitness();
  const file = new Uint8Array(30);
  witness.note(printsOf(file.subarray(0, 10)), 0);
  witness.note(printsOf(file.subarray(20, 30)), 20);
  witness.note([], 10);
  expect(await isIntact(witness, file, span(0, 30))).toBe(false);
  expect(await isIntact(witness, file, span(10, 10))).toBe(false);
  expect(await isIntact(witness, file, span(20, 10))).toBe(true);
});

test("what was written anew is judged by the newer bytes", async () => {
  const witness = openWitness();
  witness.note(printsOf(new Uint8Array(10).fill(1)), 0);
  witness.note(printsOf(new Uint8Array(10).fill(2)), 0);
  expect(await isIntact(witness, new Uint8Array(10).fill(2), span(0, 10))).toBe(true);
  expect(await isIntact(witness, new Uint8Array(10).fill(1), span(0, 10))).toBe(false);
});

test("all is read once and in order, whoever asks for what, and nothing when nobody asks any more", async () => {
  const { file, witness } = written([300_000, 2_500_000, 10]);
  const reads: number[] = [];
  const memory = memorySource(file);
  const source: ByteSource = {
    ...memory,
    async read(at, length) {
      reads.push(at);
      await new Promise((resume) => setImmediate(resume));
      return memory.read(at, length);
    },
  };
  const piece = 256 * 1024;
  {
    await using again = witness.readAgain(source);
    expect(await again.isIntact(span(2_800_000, 10))).toBe(true);
    expect(await again.isIntact(span(0, 300_000))).toBe(true);
    expect(await again.isIntact(span(0, 300_000))).toBe(true);
  }
  expect(reads).toEqual([0, 300_000, 300_000 + 4 * piece, 300_000 + 8 * piece, 2_800_000]);
  reads.length = 0;
  {
    await using again = witness.readAgain(source);
    expect(await again.isIntact(span(0, 300_000))).toBe(true);
  }
  const after = reads.length;
  expect(after).toBeLessThan(5);
  for (let i = 0; i < 20; i++) await new Promise((resume) => setImmediate(resume));
  expect(reads).toHaveLength(after);
});

test("that a part cannot be read is the error of whoever asks for it", async () => {
  const { file, witness } = written([300_000, 10]);
  await using again = witness.readAgain(memorySource(file.subarray(0, 300_005)));
  expect((await failureOf(() => again.isIntact(span(0, 300_010)))).code).toBe("io-failed");
  expect(await again.isIntact(span(0, 300_000))).toBe(true);
});
