import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { availableParallelism } from "node:os";
import { type FramesUnderWay, framesUnderWay } from "./frames-under-way.ts";

const MIB = 1024 * 1024;

/** By the size of its content, what ends the compression of a part. */
let ending: Map<number, { make(): void; fail(): void }>;
let spy: { mockRestore(): void };
let underWay: FramesUnderWay;
const over: number[] = [];

beforeEach(() => {
  ending = new Map();
  over.length = 0;
  const compress = (content: Uint8Array) =>
    new Promise<Buffer>((resolve, reject) => {
      const { length } = content;
      ending.set(length, {
        make: () => resolve(Buffer.alloc(length)),
        fail: () => reject(new Error(`${length}`)),
      });
    });
  spy = spyOn(Bun, "zstdCompress").mockImplementation(compress as never);
  underWay = framesUnderWay(3);
});
afterEach(() => spy.mockRestore());

function begin(size: number): void {
  const bytes = new Uint8Array(size);
  const done = () => {
    over.push(size);
    // as whoever made the part may do
    bytes.buffer.transfer(0);
  };
  underWay.begin({ bytes, done });
}

test("frames are taken in order, and made in any", async () => {
  for (const size of [10, 20, 30]) begin(size);
  ending.get(20)?.make();
  await underWay.anyMade();
  expect(over).toEqual([20]);
  expect(underWay.isFirstMade).toBe(false);
  ending.get(10)?.make();
  await underWay.anyMade();
  expect(underWay.isFirstMade).toBe(true);
  ending.get(30)?.make();
  const sizes: number[] = [];
  while (!underWay.isEmpty) sizes.push((await underWay.first()).content);
  expect(sizes).toEqual([10, 20, 30]);
});

test("threads have enough with two each, however many wait to be taken", async () => {
  const most = 2 * availableParallelism();
  for (let size = 10; size < 10 + most; size++) {
    expect(underWay.isFull).toBe(false);
    begin(size);
  }
  for (let size = 11; size < 30; size++) {
    expect(underWay.isFull).toBe(true);
    ending.get(size)?.make();
    await underWay.anyMade();
    expect(underWay.isFull).toBe(false);
    begin(size + most - 1);
  }
  expect(underWay.isFirstMade).toBe(false);
});

test("there is never more than 64 MiB, of what is compressed and of what came out of it", async () => {
  begin(40 * MIB);
  expect(underWay.isFull).toBe(false);
  begin(20 * MIB);
  begin(5 * MIB);
  expect(underWay.isFull).toBe(true);
  ending.get(5 * MIB)?.make();
  await underWay.anyMade();
  // it became as much
  expect(underWay.isFull).toBe(true);
  ending.get(40 * MIB)?.make();
  await underWay.first();
  expect(underWay.isFull).toBe(false);
});

test("what goes wrong is said where the frame is taken", async () => {
  begin(10);
  begin(20);
  ending.get(20)?.fail();
  await underWay.anyMade();
  ending.get(10)?.make();
  await underWay.first();
  await expect(underWay.first()).rejects.toThrow("20");
  await underWay.settled();
  expect(over).toEqual([20, 10]);
});
