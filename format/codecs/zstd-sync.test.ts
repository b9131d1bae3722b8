import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { constants, zstdCompressSync } from "node:zlib";
import type { Bytes } from "../types.ts";
import { collect, concat, fromBytes } from "./streams.ts";
import { zstd } from "./zstd.ts";
import { openSyncDecoder, type SyncDecoder } from "./zstd-sync.ts";

// Bun 1.4.5 has the insides of Node's streams. Where a later one has not, this fails, and large cold starts are slow.
const decoder = openSyncDecoder() as SyncDecoder;

const bytesOf = (text: string): Bytes => new TextEncoder().encode(text);
const frame = (content: Bytes, params: Readonly<Record<number, number>> = {}): Bytes =>
  new Uint8Array(zstdCompressSync(content, { params }));
const CHECKSUM = { [constants.ZSTD_c_checksumFlag]: 1 };

function decode(stored: Bytes, size = stored.length || 1): Bytes {
  const pieces: Bytes[] = [];
  decoder.begin();
  for (let at = 0; at < stored.length; at += size)
    decoder.push(stored.subarray(at, at + size), (piece) => pieces.push(piece.slice()));
  decoder.end();
  return concat(pieces);
}

/** What both decoders make of it: the content, or the code of the error. */
async function both(stored: Bytes, size?: number): Promise<readonly unknown[]> {
  const code = (error: unknown) => (error as { code: unknown }).code;
  const streamed = await collect(zstd.decode(fromBytes(stored, size))).catch(code);
  try {
    return [decode(stored, size), streamed];
  } catch (error) {
    return [code(error), streamed];
  }
}

const noise = (size: number): Bytes => {
  const bytes = new Uint8Array(size);
  for (let i = 0, x = 1; i < size; i++) {
    x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff;
    bytes[i] = x >> 16;
  }
  return bytes;
};

test.each([0, 1, 300_000, 512 * 1024, 512 * 1024 + 1, 3_000_000])("content of %d bytes", (size) => {
  for (const content of [new Uint8Array(size), noise(size)])
    for (const pieces of [1000, size + 1000]) expect(decode(frame(content), pieces)).toEqual(content);
});

const [RAW, RLE, COMPRESSED, RESERVED] = [0, 1, 2, 3];
/** A frame of blocks made by hand (RFC 8878, section 3.1.1.2). */
const ofBlocks = (
  ...blocks: readonly (readonly [type: number | undefined, size: number, body: Bytes])[]
): Bytes =>
  concat([
    Uint8Array.fromHex("28b52ffd0058"),
    ...blocks.flatMap(([type = 0, size, body], i) => {
      const value = size * 8 + type * 2 + (i === blocks.length - 1 ? 1 : 0);
      return [Uint8Array.of(value & 0xff, (value >> 8) & 0xff, value >> 16), body];
    }),
  ]);
const LETTER = bytesOf("x");
const LAST = [RAW, 1, bytesOf("z")] as const;

describe("blocks", () => {
  test("of every kind, one after the other", () => {
    const stored = ofBlocks(
      [RAW, 3, bytesOf("abc")],
      [RLE, 70_000, LETTER],
      [RLE, 6, LETTER],
      [RAW, 0, bytesOf("")],
      LAST,
    );
    for (const size of [1, 5, 100])
      expect(decode(stored, size)).toEqual(bytesOf(`abc${"x".repeat(70_006)}z`));
  });

  test.each<[string, Bytes]>([
    ["a compressed one that is empty", ofBlocks([RAW, 1, LETTER], [COMPRESSED, 0, bytesOf("")], LAST)],
    ["a reserved one", ofBlocks([RAW, 1, LETTER], [RESERVED, 1, LETTER], LAST)],
    ["one that breaks off", ofBlocks([RAW, 1, LETTER], [RAW, 9, LETTER])],
  ])("are refused: %s", async (_, stored) => {
    for (const size of [1, 100]) expect(await both(stored, size)).toEqual(["codec-failed", "codec-failed"]);
  });
});

test("one frame after the other, skippable ones among them", () => {
  const skippable = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9);
  const stored = concat([frame(bytesOf("a")), skippable, frame(noise(700_000)), frame(bytesOf("b"))]);
  expect(decode(stored)).toEqual(concat([bytesOf("a"), noise(700_000), bytesOf("b")]));
});

describe("refused as the stream refuses it", () => {
  const whole = frame(noise(2000), CHECKSUM);
  const changed = (at: number) => {
    const copy = whole.slice();
    copy[at < 0 ? copy.length + at : at] = (copy[at < 0 ? copy.length + at : at] as number) ^ 1;
    return copy;
  };
  test.each<[string, Bytes]>([
    ["nothing", new Uint8Array()],
    ["a frame that breaks off", whole.slice(0, -1)],
    ["a wrong checksum", changed(-1)],
    ["a wrong byte", changed(1500)],
    ["a wrong magic number", changed(0)],
    ["something behind it", concat([whole, Uint8Array.of(1, 2, 3)])],
    ["fewer bytes than announced", Uint8Array.fromHex("28b52ffd2028010000")],
  ])("%s", async (_, stored) => {
    for (const size of [7, 100_000])
      expect(await both(stored, size)).toEqual(["codec-failed", "codec-failed"]);
  });

  test("and what follows is decoded as if nothing had been", () => {
    expect(() => decode(changed(1500))).toThrow();
    expect(decode(whole)).toEqual(noise(2000));
  });
});

test("property: whatever the bytes are, both say the same", async () => {
  const seed = frame(bytesOf("what was there, was there, was there"), CHECKSUM);
  const byte = fc.record({ at: fc.nat(seed.length - 1), value: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(byte, { maxLength: 3 }),
      fc.integer({ min: 1, max: 50 }),
      async (changes, size) => {
        const stored = seed.slice();
        for (const { at, value } of changes) stored[at] = value;
        const [sync, streamed] = await both(stored, size);
        expect(sync).toEqual(streamed);
      },
    ),
  );
});
