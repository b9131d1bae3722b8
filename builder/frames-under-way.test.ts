import { afterEach, beforeEach, expect, spyOn, test } from "bun:test";
import { availableParallelism } from "node:os";
import { type FramesUnderWay, framesUnderWay, type MadePart } from "./frames-under-way.ts";

const MIB = 1024 * 1024;

/** By the size of its content, what ends the compression of a part. */
let ending: Map<number, { make(): void; fail(): void }>;
let spy: { mockRestore(): void };
let underWay: FramesUnderWay;
/** How often it was told that there may be room. */
let rooms: number;
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
  rooms = 0;
  underWay = framesUnderWay(3, () => rooms++);
});
afterEach(() => spy.mockRestore());

function begin(size: number): Promise<MadePart> {
  const bytes = new Uint8Array(size);
  const done = () => {
    over.push(size);
    // as whoever made the part may do
    bytes.buffer.transfer(0);
  };
  return underWay.begin({ bytes, done });
}

test("frames are made in any order, and each time it is told that there may be room", async () => {
  const [first, second] = [begin(10), begin(20)];
  ending.get(20)?.make();
  expect((await second).content).toBe(20);
  expect([over, rooms]).toEqual([[20], 1]);
  ending.get(10)?.make();
  // a checksum is behind what was compressed
  expect(await first).toMatchObject({ content: 10, compressed: 14 });
  expect([over, rooms]).toEqual([[20, 10], 2]);
});

test("threads have enough with two each, however many wait to be taken", async () => {
  const most = 2 * availableParallelism();
  const frames = new Map<number, Promise<MadePart>>();
  for (let size = 10; size < 10 + most; size++) {
    expect(underWay.hasRoom).toBe(true);
    frames.set(size, begin(size));
  }
  for (let size = 11; size < 30; size++) {
    expect(underWay.hasRoom).toBe(false);
    ending.get(size)?.make();
    await frames.get(size);
    expect(underWay.hasRoom).toBe(true);
    frames.set(size + most - 1, begin(size + most - 1));
  }
});

test("there is never more than 64 MiB, of what is compressed and of what came out of it", async () => {
  const first = begin(40 * MIB);
  expect(underWay.hasRoom).toBe(true);
  begin(20 * MIB);
  const third = begin(5 * MIB);
  expect(underWay.hasRoom).toBe(false);
  ending.get(5 * MIB)?.make();
  await third;
  // it became as much
  expect(underWay.hasRoom).toBe(false);
  ending.get(40 * MIB)?.make();
  const made = await first;
  expect(underWay.hasRoom).toBe(false);
  const before = rooms;
  underWay.taken(made);
  expect([underWay.hasRoom, rooms]).toEqual([true, before + 1]);
});

test("what goes wrong is said to whoever takes the frame, and makes room", async () => {
  const frame = begin(10);
  ending.get(10)?.fail();
  await expect(frame).rejects.toThrow("10");
  await underWay.settled();
  expect([over, rooms]).toEqual([[10], 1]);
});

test("who gives up waits until threads are at none any more", async () => {
  for (const size of [10, 20]) begin(size).catch(() => {});
  let isSettled = false;
  const settled = underWay.settled().then(() => (isSettled = true));
  ending.get(10)?.fail();
  await new Promise((resume) => setImmediate(resume));
  expect(isSettled).toBe(false);
  ending.get(20)?.make();
  await settled;
  expect(over).toEqual([10, 20]);
});
