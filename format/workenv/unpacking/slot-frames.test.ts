import { expect, test } from "bun:test";
import { framesAt, runsOf } from "./slot-frames.ts";

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
