import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { PspfError } from "../errors.ts";
import { failureOf } from "../../tests/support/failure.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { type ByteSource, memorySource, openFileSource, threadedSource } from "./byte-source.ts";
import { readAhead } from "./read-ahead.ts";

const CONTENT = new Uint8Array(5000).map((_, i) => (i * 31) >> 3);

/** As bytes that pass have to be used. */
async function copies(source: ByteSource, at: number, sizes: readonly number[]) {
  const pieces: Uint8Array[] = [];
  for await (const piece of readAhead(source, at, sizes)) pieces.push(piece.slice());
  return pieces;
}

test("property: pieces are those of the file, in order", async () => {
  using dir = tempDir();
  const path = join(dir.path, "file");
  writeFileSync(path, CONTENT);
  using file = openFileSource(path);
  const sizes = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(fc.nat(900), sizes, async (at, pieces) => {
      let end = at;
      const ends = pieces.map((size) => {
        end += size;
        return end;
      });
      const expected = pieces.map((size, i) => CONTENT.slice((ends[i] as number) - size, ends[i]));
      expect(await copies(threadedSource(file), at, pieces)).toEqual(expected);
      expect(await copies(memorySource(CONTENT), at, pieces)).toEqual(expected);
    }),
  );
});

/** A source that answers when it is told to. */
function patientSource() {
  const asked: { readonly at: number; readonly answer: () => void; readonly fail: () => void }[] = [];
  const source: ByteSource = {
    name: "patient",
    size: CONTENT.length,
    read: (at, length) =>
      new Promise((resolve, reject) => {
        const answer = () => resolve(CONTENT.slice(at, at + length));
        asked.push({ at, answer, fail: () => reject(new PspfError("io-failed", `at ${at}`)) });
      }),
  };
  return { source, asked, offsets: () => asked.map(({ at }) => at) };
}

const turn = () => new Promise((resume) => setImmediate(resume));

test("three are asked for at a time, and the next when one is used up", async () => {
  const { source, asked, offsets } = patientSource();
  const pieces = readAhead(source, 0, [10, 20, 30, 40, 50])[Symbol.asyncIterator]();
  const first = pieces.next();
  expect(offsets()).toEqual([0, 10, 30]);
  asked[0]?.answer();
  expect((await first).value).toEqual(CONTENT.slice(0, 10));
  await turn();
  expect(offsets()).toEqual([0, 10, 30]);
  const second = pieces.next();
  await turn();
  expect(offsets()).toEqual([0, 10, 30, 60]);
  for (const { answer } of asked) answer();
  await second;
  await pieces.return?.();
});

test("who gives up waits for what is being read: the memory and the file are in use", async () => {
  const { source, asked } = patientSource();
  const pieces = readAhead(source, 0, [10, 20, 30])[Symbol.asyncIterator]();
  const first = pieces.next();
  asked[0]?.answer();
  await first;
  let isOver = false;
  const over = pieces.return?.().then(() => (isOver = true));
  asked[1]?.answer();
  await turn();
  expect(isOver).toBe(false);
  asked[2]?.fail();
  await over;
  expect(isOver).toBe(true);
});

test("a read that fails is the error of its piece", async () => {
  const { source, asked } = patientSource();
  const seen: number[] = [];
  const reading = failureOf(async () => {
    for await (const { length } of readAhead(source, 0, [10, 20, 30])) seen.push(length);
  });
  await turn();
  for (const { answer, at, fail } of asked) (at === 10 ? fail : answer)();
  await turn();
  expect((await reading).message).toBe("at 10");
  expect(seen).toEqual([10]);
});
