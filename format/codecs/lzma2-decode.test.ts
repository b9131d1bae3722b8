import { describe, expect, test } from "bun:test";
import type { Bytes } from "../types.ts";
import { ByteReader } from "./byte-reader.ts";
import { LzmaEncoder, PROPERTIES } from "./lzma-encode.ts";
import { decodeLzma2 } from "./lzma2-decode.ts";
import { collect, concat, fromBytes } from "./streams.ts";

const DICTIONARY = 4096;
const TEXT = new TextEncoder().encode("abcdefgh");

async function decode(chunks: readonly Bytes[]): Promise<Bytes | string> {
  await using reader = new ByteReader(fromBytes(concat([...chunks, Uint8Array.of(0)])));
  return collect(decodeLzma2(reader, DICTIONARY)).catch((error: Error) => error.message);
}

/** A chunk that resets everything and says that it stands for `size` bytes. */
function lzmaChunk(size: number, write: (encoder: LzmaEncoder) => void): Bytes {
  const encoder = new LzmaEncoder();
  write(encoder);
  const packed = encoder.finish();
  return concat([Uint8Array.of(0xe0, 0, size - 1, 0, packed.length - 1, PROPERTIES), packed]);
}

const rawChunk = (control: number, bytes: Bytes): Bytes =>
  concat([Uint8Array.of(control, 0, bytes.length - 1), bytes]);

const writeText = (encoder: LzmaEncoder): void => {
  for (let at = 0; at < TEXT.length; at++) encoder.literal(TEXT, at);
};

describe("one chunk", () => {
  test("copies a match that overlaps itself", async () => {
    const chunk = lzmaChunk(13, (encoder) => {
      writeText(encoder);
      encoder.match(2, 5);
    });
    expect(await decode([chunk])).toEqual(new TextEncoder().encode("abcdefghghghg"));
  });

  test.each([
    ["a first match", 3, (encoder: LzmaEncoder) => encoder.match(1, 3)],
    ["a first repetition", 3, (encoder: LzmaEncoder) => encoder.rep(0, 3)],
    [
      "a match before the beginning",
      10,
      (encoder: LzmaEncoder) => {
        writeText(encoder);
        encoder.match(9, 2);
      },
    ],
    [
      "a match past the end",
      10,
      (encoder: LzmaEncoder) => {
        writeText(encoder);
        encoder.match(2, 3);
      },
    ],
    ["symbols after the end", 7, writeText],
  ])("refuses %s", async (_, size, write) => {
    expect(await decode([lzmaChunk(size, write)])).toBe("Cannot decode xz: a chunk is damaged");
  });
});

describe("chunks in a row", () => {
  test("raw ones follow raw ones", async () => {
    expect(await decode([rawChunk(1, TEXT), rawChunk(2, TEXT)])).toEqual(concat([TEXT, TEXT]));
  });

  test("a reset dictionary hides what came before", async () => {
    const match = lzmaChunk(2, (encoder) => encoder.match(1, 2));
    expect(await decode([rawChunk(1, TEXT), match])).toBe("Cannot decode xz: a chunk is damaged");
    // The same chunk without the reset of the dictionary reaches the text.
    expect(await decode([rawChunk(1, TEXT), match.with(0, 0xc0)])).toEqual(
      concat([TEXT, new TextEncoder().encode("hh")]),
    );
  });

  test("after a raw chunk that resets the dictionary, properties are due", async () => {
    const text = lzmaChunk(TEXT.length, writeText);
    const match = lzmaChunk(2, (encoder) => encoder.match(8, 2));
    const withoutProperties = concat([match.slice(0, 5), match.slice(6)]).with(0, 0xa0);
    const ab = TEXT.slice(0, 2);
    expect(await decode([text, withoutProperties])).toEqual(concat([TEXT, ab]));
    expect(await decode([text, rawChunk(2, TEXT), withoutProperties])).toEqual(concat([TEXT, TEXT, ab]));
    expect(await decode([text, rawChunk(1, TEXT), withoutProperties])).toBe(
      "Cannot decode xz: a chunk has no LZMA properties",
    );
  });
});
