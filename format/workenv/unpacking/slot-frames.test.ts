import { expect, test } from "bun:test";
import { encodeSeekTable, type FrameSizes } from "../../codecs/zstd-seek-table.ts";
import { memorySource } from "../../io/byte-source.ts";
import type { Slot } from "../../reader.ts";
import { concat } from "../../tar/testing.ts";
import type { Bytes } from "../../types.ts";
import { framesAt, framesOfSlots, runsOf } from "./slot-frames.ts";

type Parts = readonly (readonly [frames: number, content: number])[];

test.each<[string, readonly number[], Parts]>([
  ["no frame", [], []],
  [
    "frames that begin where entries may begin",
    [512, 1024, 5],
    [
      [1, 512],
      [1, 1024],
      [1, 5],
    ],
  ],
  [
    "frames of a long entry",
    [1024, 768, 512, 256, 512],
    [
      [1, 1024],
      [3, 1536],
      [1, 512],
    ],
  ],
  ["a first frame that ends within a block", [1, 511], [[2, 512]]],
  [
    "an empty frame",
    [512, 0, 512],
    [
      [1, 512],
      [1, 0],
      [1, 512],
    ],
  ],
])("%s", (_, contents, parts) => {
  const compressed = 10;
  const frames = framesAt(100, runsOf(contents.map((content) => ({ compressed, content }))));
  expect(frames.map(({ size, content }) => [size / compressed, content] as const)).toEqual([...parts]);
  let offset = 100;
  for (const [i, frame] of frames.entries()) {
    expect(frame).toMatchObject({ offset, isLast: i === frames.length - 1 });
    for (const piece of frame.pieces) {
      expect(piece).toMatchObject({ offset, size: compressed });
      offset += piece.size;
    }
  }
});

test("threads are told of so many frames only, which may hold nothing", async () => {
  const slotOf = (count: number) => {
    const table = encodeSeekTable(new Array<FrameSizes>(count).fill({ compressed: 0, content: 0 })) as Bytes;
    const entry = { operations: ["TAR", "ZSTD"], originalSize: 0 };
    return { table, slot: { entry, stored: { offset: 0, size: table.length } } as unknown as Slot };
  };
  const found = async (...counts: readonly number[]) => {
    const parts = counts.map(slotOf);
    let offset = 0;
    const slots = parts.map(({ slot, table }) => {
      const its = { ...slot, stored: { ...slot.stored, offset } } as Slot;
      offset += table.length;
      return its;
    });
    const frames = await framesOfSlots(memorySource(concat(parts.map(({ table }) => table))), slots);
    return slots.map((slot) => frames.get(slot)?.length);
  };
  expect(await found(100_000, 30_000)).toEqual([100_000, 30_000]);
  expect(await found(100_000, 40_000, 30_000)).toEqual([100_000, undefined, 30_000]);
  expect(await found(140_000)).toEqual([undefined]);
  expect(await found(2_000_000)).toEqual([undefined]);
});
