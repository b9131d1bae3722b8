import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeText, encodeText } from "./text-bytes.ts";

const throughText = (...bytes: number[]) => [...encodeText(decodeText(Uint8Array.from(bytes)))];

test("any bytes come back as they were", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(throughText(...bytes)).toEqual([...bytes]);
    }),
  );
});

test("any text is what UTF-8 makes of it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(encodeText(text)).toEqual(new TextEncoder().encode(text));
      expect(decodeText(new TextEncoder().encode(text))).toBe(text);
    }),
  );
});

test.each([
  ["a byte that is never in UTF-8", [0xff], "\udcff"],
  ["a character that was cut off", [0x61, 0xc3], "a\udcc3"],
  ["more bytes than one character needs", [0xc0, 0xaf], "\udcc0\udcaf"],
  ["half of a pair", [0xed, 0xb3, 0xbf], "\udced\udcb3\udcbf"],
  ["beyond the last character", [0xf4, 0x90, 0x80, 0x80], "\udcf4\udc90\udc80\udc80"],
  ["a byte order mark", [0xef, 0xbb, 0xbf], "\ufeff"],
  ["what others put for damage", [0xef, 0xbf, 0xbd], "\ufffd"],
  ["damage beside a character of two halves", [0xf0, 0x9f, 0x98, 0x80, 0x80], "😀\udc80"],
])("%s", (_, bytes, text) => {
  expect(decodeText(Uint8Array.from(bytes))).toBe(text);
  expect(throughText(...bytes)).toEqual(bytes);
});

test("halves of pairs that stand for no byte are damage of their own", () => {
  expect([...encodeText("\ud800")]).toEqual([0xef, 0xbf, 0xbd]);
  expect([...encodeText("\udc7f")]).toEqual([0xef, 0xbf, 0xbd]);
});
