import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Bytes } from "../types.ts";
import { toHex } from "../wire/hashes.ts";
import {
  encodeSeekTable,
  type FrameSizes,
  parseSeekTable,
  SEEK_FOOTER,
  seekTableSize,
} from "./zstd-seek-table.ts";

const FRAMES: readonly FrameSizes[] = [
  { compressed: 0x11, content: 0x2233 },
  { compressed: 0x44556677, content: 0x8899aabb },
];
const SIZE = 0x11 + 0x44556677;

const hex = (text: string) => Uint8Array.fromHex(text.replaceAll(" ", "")) as Bytes;
const parse = (table: Bytes, size: number) => parseSeekTable(table, size);

test("the bytes are those of the specification", () => {
  const table = encodeSeekTable(FRAMES) as Bytes;
  expect(toHex(table)).toBe(
    [
      "5e2a4d18",
      "19000000",
      "11000000",
      "33220000",
      "77665544",
      "bbaa9988",
      "02000000",
      "00",
      "b1ea928f",
    ].join(""),
  );
  expect(parse(table, SIZE + table.length)).toEqual(FRAMES);
});

test("rows with checksums are read as well", () => {
  const table = hex("5e2a4d18 15000000 05000000 09000000 deadbeef 01000000 80 b1ea928f");
  expect(parse(table, table.length + 5)).toEqual([{ compressed: 5, content: 9 }]);
});

test("property: any sizes come back, and the footer tells how long the table is", () => {
  const sizes = fc.nat(0xffffffff);
  fc.assert(
    fc.property(fc.array(fc.record({ compressed: sizes, content: sizes }), { maxLength: 40 }), (frames) => {
      const table = encodeSeekTable(frames) as Bytes;
      const size = frames.reduce((sum, { compressed }) => sum + compressed, table.length);
      expect(seekTableSize(table.slice(-SEEK_FOOTER), size)).toBe(table.length);
      expect(parse(table, size)).toEqual(frames);
      expect(parse(table, size + 1)).toBeUndefined();
      expect(parse(table, size - 1)).toBeUndefined();
    }),
  );
});

test.each([
  { compressed: 2 ** 32, content: 1 },
  { compressed: 1, content: 2 ** 32 },
])("a frame of 4 GiB has no place in a table: %p", (frame) => {
  expect(encodeSeekTable([frame])).toBeUndefined();
});

describe("no table", () => {
  const table = encodeSeekTable(FRAMES) as Bytes;
  const size = SIZE + table.length;
  const changed = (at: number, value: number) => {
    const copy = table.slice();
    copy[at < 0 ? copy.length + at : at] = value;
    return copy;
  };
  test.each([
    ["another skippable frame", changed(0, 0x5d)],
    ["a wrong length", changed(4, 0x18)],
    ["another count", changed(-9, 3)],
    ["a count beyond the stream", changed(-6, 0xff)],
    ["reserved bits", changed(-5, 0x04)],
    ["checksums that are not there", changed(-5, 0x80)],
    ["another magic number", changed(-1, 0)],
    ["a frame that is longer", changed(8, 0x12)],
    ["a byte too few", table.slice(1)],
    ["nothing", table.slice(0, 0)],
    ["a footer alone", table.slice(-9)],
  ])("%s", (_, bytes) => {
    expect(parse(bytes, size)).toBeUndefined();
  });

  test("whatever the bytes are, nothing is thrown", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(), (array, of) => {
        const bytes = new Uint8Array(array) as Bytes;
        parse(bytes, of);
        seekTableSize(bytes, of);
      }),
    );
  });
});
