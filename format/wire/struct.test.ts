import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { failureOf } from "../../tests/support/failure.ts";
import type { Bytes } from "../types.ts";
import { bytes, reserved, struct, toByteCount, u8, u32, u64 } from "./struct.ts";

const SAMPLE = struct("sample", 24, {
  small: u8,
  gap: reserved(3),
  medium: u32,
  large: u64,
  raw: bytes(5),
  tail: reserved(3),
});

const hex = (text: string): Bytes => Uint8Array.fromHex(text);

describe("struct", () => {
  test("knows the offset of each row, reserved ones included", () => {
    expect(SAMPLE.offsets).toEqual({ small: 0, gap: 1, medium: 4, large: 8, raw: 16, tail: 21 });
    expect(SAMPLE.size).toBe(24);
  });

  test("writes little-endian, and zeros where space is reserved", () => {
    const block = SAMPLE.encode({
      small: 1,
      medium: 0x01020304,
      large: 0x0102030405060708n,
      raw: hex("aabbccddee"),
    });
    expect(block.toHex()).toBe("0100000004030201" + "0807060504030201" + "aabbccddee000000");
  });

  test("writes absent fields as zero", () => {
    expect(SAMPLE.encode({}).toHex()).toBe("00".repeat(24));
  });

  test("gives back whatever was written, and never the reserved rows", () => {
    fc.assert(
      fc.property(
        fc.record({
          small: fc.nat(0xff),
          medium: fc.integer({ min: 0, max: 0xffffffff }),
          large: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
          raw: fc.uint8Array({ minLength: 5, maxLength: 5 }).map((value) => new Uint8Array(value)),
        }),
        (value) => {
          expect(SAMPLE.decode(SAMPLE.encode(value))).toEqual(value);
        },
      ),
    );
  });

  test("decodes any bytes of the right length, and encodes them again but for the reserved rows", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 24, maxLength: 24 }), (noise) => {
        const input = new Uint8Array(noise);
        const again = SAMPLE.encode(SAMPLE.decode(input));
        input.fill(0, 1, 4);
        input.fill(0, 21, 24);
        expect(again.toHex()).toBe(input.toHex());
      }),
    );
  });

  test("reads a view into a larger buffer at its own offset", () => {
    const large = new Uint8Array(100);
    large.set(SAMPLE.encode({ small: 7, large: 9n, raw: hex("0102030405") }), 33);
    expect(SAMPLE.decode(large.subarray(33, 57))).toEqual({
      small: 7,
      medium: 0,
      large: 9n,
      raw: hex("0102030405"),
    });
  });

  test("what it decodes does not change with the input", () => {
    const block = SAMPLE.encode({ raw: hex("0102030405") });
    const { raw } = SAMPLE.decode(block);
    block.fill(0xff);
    expect(raw.toHex()).toBe("0102030405");
  });

  test.each([0, 23, 25])("refuses %i bytes", async (length) => {
    const error = await failureOf(() => SAMPLE.decode(new Uint8Array(length)));
    expect(error.code).toBe("layout-invalid");
    expect(error.message).toBe(`Cannot decode sample: got ${length} bytes, expected 24`);
  });

  test("a forgotten row fails where the table is made", () => {
    expect(() => struct("short", 5, { only: u32 })).toThrow(
      new TypeError("short: rows add up to 4 bytes, the specification says 5"),
    );
  });

  test("bytes of another length are a bug of the caller", () => {
    expect(() => SAMPLE.encode({ raw: hex("01") })).toThrow(
      new TypeError("Cannot encode 1 bytes into a field of 5"),
    );
  });
});

describe("toByteCount", () => {
  test.each([0n, 1n, 2n ** 32n, 2n ** 53n - 1n])("%p is a count", (value) => {
    expect(BigInt(toByteCount(value, "x"))).toBe(value);
  });

  test.each([-1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n])("%p is refused", async (value) => {
    const error = await failureOf(() => toByteCount(value, "slot_size"));
    expect(error.code).toBe("value-out-of-range");
    expect(error.message).toBe(`Cannot use slot_size: ${value} is outside 0..2^53-1`);
  });
});
