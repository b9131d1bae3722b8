import { expect, test } from "bun:test";
import fc from "fast-check";
import { crc32 as zlibCrc32 } from "node:zlib";
import { BZIP2_CRC, crc32, createCrc32, createCrc64 } from "./crc.ts";

/** The check value of a CRC is its result for these nine bytes. */
const CHECK = new TextEncoder().encode("123456789");

test("the check values are those of the catalogue", () => {
  expect(crc32(CHECK)).toBe(0xcbf43926);
  const crc64 = createCrc64();
  crc64.update(CHECK);
  expect(Buffer.from(crc64.digest()).readBigUInt64LE()).toBe(0x995dc9bbdf1939fan);
  let bzip2 = -1;
  for (const byte of CHECK) bzip2 = (bzip2 << 8) ^ BZIP2_CRC[((bzip2 >>> 24) ^ byte) & 0xff]!;
  expect(~bzip2 >>> 0).toBe(0xfc891918);
});

test("CRC-32 is zlib's, in one piece and in two", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.nat(100), (input, cut) => {
      const bytes = Uint8Array.from(input);
      const pieces = createCrc32();
      pieces.update(bytes.subarray(0, cut));
      pieces.update(bytes.subarray(cut));
      expect(crc32(bytes)).toBe(zlibCrc32(bytes));
      expect(Buffer.from(pieces.digest()).readUInt32LE()).toBe(zlibCrc32(bytes));
    }),
  );
});
