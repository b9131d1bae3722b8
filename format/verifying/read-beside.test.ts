import { describe, expect, test } from "bun:test";
import { zstdCompressSync } from "node:zlib";
import { fileSlot, packageBytes } from "../../tests/support/packages.ts";
import { concat, rawArchive } from "../tar/testing.ts";
import { type ByteSource, memorySource } from "../io/byte-source.ts";
import { openImaginedTree } from "../io/imagined-tree.ts";
import { openPackage } from "../reader.ts";
import {
  encodeSeekTable,
  type FrameSizes,
  parseSeekTable,
  seekTableSize,
} from "../codecs/zstd-seek-table.ts";
import type { Bytes } from "../types.ts";
import { readAlone } from "./read-alone.ts";
import { decodedFrames, readBeside } from "./read-beside.ts";

const MIB = 1024 * 1024;
const file = (name: string, size: number) => ({ name, body: name.repeat(size).slice(0, size) });
/** Frames in plenty, of which some belong together. */
const ARCHIVE = rawArchive(
  ...Array.from({ length: 9 }, (_, i) => file(`a${i}`, 3 * MIB)),
  file("long", 9 * MIB),
  file("longer", 20 * MIB),
  file("b", 100),
);
const framed = fileSlot("app", "", {
  data: { kind: "bytes", bytes: ARCHIVE },
  operations: ["TAR", "ZSTD"],
  target: "app",
});

const enter = async (source: ByteSource, how: typeof readBeside) => {
  const pkg = await openPackage(source);
  const tree = openImaginedTree();
  const size = await how(source).enter(pkg.slots[0]!, tree);
  return { size, entries: tree.entries };
};

test("an archive in frames is the same as for a reader of streams", async () => {
  const source = memorySource(await packageBytes({ slots: [framed] }));
  const read = await enter(source, readBeside);
  expect(read).toEqual({ size: ARCHIVE.length, entries: 12 });
  expect(await enter(source, readAlone)).toEqual(read);
});

test.each([0, 7, 9 * MIB])("so is a file in frames, of %d bytes", async (size) => {
  const source = memorySource(await packageBytes({ slots: [fileSlot("text", new Uint8Array(size))] }));
  expect(await enter(source, readBeside)).toEqual({ size, entries: 1 });
  expect(await enter(source, readAlone)).toEqual({ size, entries: 1 });
});

describe("a frame of others, too large to be decoded at once", () => {
  const content = 17 * MIB;
  const stored = new Uint8Array(zstdCompressSync(new Uint8Array(content).fill(7)));

  test("is entered like any other", async () => {
    const table = encodeSeekTable([{ compressed: stored.length, content }]) as Bytes;
    const slot = fileSlot("large", concat([stored, table]), { operations: ["ZSTD"] });
    const source = memorySource(await packageBytes({ slots: [slot] }));
    expect(await enter(source, readBeside)).toEqual({ size: content, entries: 1 });
  });

  /** The largest piece, and how much came. */
  async function decode(announced: number): Promise<readonly [largest: number, sum: number]> {
    const frame = { offset: 0, size: stored.length, content: announced };
    const lengths: number[] = [];
    for await (const { length } of decodedFrames(memorySource(stored), [frame], () => {}))
      lengths.push(length);
    return [Math.max(...lengths), lengths.reduce((sum, length) => sum + length, 0)];
  }

  test("is decoded piece by piece", async () => {
    const [largest, sum] = await decode(content);
    expect(largest).toBeLessThan(16 * MIB);
    expect(sum).toBe(content);
  });

  test("must be as long as its table says", async () => {
    await expect(decode(content + 1)).rejects.toThrow("as the seek table says");
  });
});

test("what is in no frames is read as a stream", async () => {
  const slot = fileSlot("text", "content", { operations: ["GZIP"] });
  const source = memorySource(await packageBytes({ slots: [slot] }));
  expect(await enter(source, readBeside)).toEqual({ size: 7, entries: 1 });
});

describe("refused is", async () => {
  const whole = await packageBytes({ slots: [framed] });
  const { stored } = (await openPackage(memorySource(whole))).slots[0]!;
  const end = stored.offset + stored.size;
  const tableSize = seekTableSize(whole.slice(end - 9, end), stored.size) as number;
  const sizes = parseSeekTable(whole.slice(end - tableSize, end), stored.size) ?? [];
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((at, frame) => at + frame.compressed, 0));
  const long = sizes.findIndex(({ content }) => content === 4 * MIB + 256);

  /** Bytes at an offset of the slot, changed behind the back of its signature. */
  const changed = (at: number, ...bytes: readonly number[]): Bytes => {
    const copy = whole.slice();
    copy.set(bytes, stored.offset + at);
    return copy;
  };
  test.each([
    ["a checksum of a frame that is wrong", (starts[2] as number) - 1],
    ["the magic number of a frame", starts[1] as number],
    ["a byte of a frame in front of one that belongs to it", (starts[long + 1] as number) - 2],
    ["a size in the seek table", stored.size - tableSize + 12],
  ])("%s", async (_, at) => {
    const bytes = changed(at, (whole[stored.offset + at] as number) ^ 0x55);
    await expect(enter(memorySource(bytes), readBeside)).rejects.toThrow();
  });

  test("a change that decodes to the same", async () => {
    // Bit 4 of a frame's descriptor, which decoders do not look at.
    const bytes = changed(4, (whole[stored.offset + 4] as number) ^ 0x10);
    await expect(enter(memorySource(bytes), readBeside)).rejects.toThrow("not the signed ones");
  });

  test("the first of several faults, and the others are no errors of their own", async () => {
    const broken = whole.slice();
    for (const start of starts.slice(0, 4)) broken[stored.offset + start + 4] = 0xff;
    await expect(enter(memorySource(broken), readBeside)).rejects.toThrow();
    await Bun.sleep(20);
  });

  test("a seek table that was signed and says something else than its frames", async () => {
    const frames = whole.slice(stored.offset, end - tableSize);
    const [first, last] = [sizes[0], sizes.at(-1)] as [FrameSizes, FrameSizes];
    const lying = sizes.map((frame) =>
      frame === first
        ? { ...frame, content: last.content }
        : frame === last
          ? { ...frame, content: first.content }
          : frame,
    );
    const bytes = concat([frames, encodeSeekTable(lying) as Bytes]);
    const slot = { ...framed, data: { kind: "bytes", bytes } } as const;
    const source = memorySource(await packageBytes({ slots: [slot] }));
    await expect(enter(source, readBeside)).rejects.toThrow("as the seek table says");
    expect(await enter(source, readAlone)).toMatchObject({ size: ARCHIVE.length });
  });
});
