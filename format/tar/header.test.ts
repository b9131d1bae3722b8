import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PspfError } from "../errors.ts";
import { parseHeader } from "./header.ts";
import { checksumOf, outcome, rawEntry } from "./testing.ts";

const header = (entry: Parameters<typeof rawEntry>[0]) => parseHeader(rawEntry(entry).slice(0, 512));

test("a block of zeros is no header", () => {
  expect(parseHeader(new Uint8Array(512))).toBeUndefined();
});

test("every field is read", () => {
  expect(
    header({ name: "b", prefix: "a", mode: 0o4755, size: 9, mtime: 77, type: "2", linkName: "é" }),
  ).toEqual({ name: "a/b", mode: 0o4755, size: 9, mtime: 77, type: "2", linkName: "é" });
});

test("a name and a link may fill their fields without a NUL", () => {
  const [name, linkName, prefix] = ["n".repeat(100), "l".repeat(100), "p".repeat(155)] as const;
  const read = header({ name, linkName, patch: { 345: prefix } });
  expect(read?.name).toBe(`${prefix}/${name}`);
  expect(read?.linkName).toBe(linkName);
});

test("only POSIX headers have a prefix", () => {
  expect(header({ name: "b", magic: "ustar  \0", prefix: "a" })?.name).toBe("b");
  expect(header({ name: "b", magic: "", prefix: "a" })?.name).toBe("b");
});

test("NUL is the type of old files", () => {
  expect(header({ name: "b", type: "\0" })?.type).toBe("0");
});

describe("numbers", () => {
  test.each([
    ["00000000017\0", 15],
    ["         17 ", 15],
    ["17 \0\0\0\0\0\0\0\0\0", 15],
    ["777777777777", 0o777777777777],
    ["\0\0\0\0\0\0\0\0\0\0\0\0", 0],
    ["            ", 0],
    ["\x80\0\0\0\0\0\0\x02\0\0\0\x01", 8589934593],
    ["\x80\0\0\0\0\x1f\xff\xff\xff\xff\xff\xfe", Number.MAX_SAFE_INTEGER - 1],
  ])("size %j is %d", (field, size) => {
    expect(header({ name: "b", patch: { 124: field } })?.size).toBe(size);
  });

  test.each([
    "00000000018\0",
    "-0000000001\0",
    "0000 000017\0",
    "0x000000017\0",
    "\x80\0\0\0\0\x20\0\0\0\0\0\0",
    "\x81\0\0\0\0\0\0\0\0\0\0\0",
    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    "\xc0\0\0\0\0\0\0\0\0\0\0\0",
  ])("size %j is refused", async (field) => {
    expect(await outcome(() => header({ name: "b", patch: { 124: field } }))).toBe("archive-invalid");
  });

  test("a time may lie before 1970", () => {
    expect(
      header({ name: "b", patch: { 136: "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe" } })?.mtime,
    ).toBe(-2);
  });

  test("binary numbers are read as BigInt would", () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 53n) + 2n, 2n ** 53n - 2n), (value) => {
        const bytes = Buffer.from(BigInt.asUintN(96, value).toString(16).padStart(24, "0"), "hex");
        bytes[0] = (bytes[0] as number) | 0x80;
        expect(header({ name: "b", patch: { 136: bytes.toString("latin1") } })?.mtime).toBe(Number(value));
      }),
    );
  });
});

describe("checksum", () => {
  const signed = (block: Uint8Array<ArrayBuffer>) => {
    const high = block.filter((byte, at) => byte >= 0x80 && !(at >= 148 && at < 156)).length;
    const sum = Number.parseInt(checksumOf(block), 8) - 256 * high;
    return `${sum.toString(8).padStart(6, "0")}\0 `;
  };

  test("the sum of signed bytes is also right", () => {
    expect(header({ name: "ééé", checksum: signed })?.name).toBe("ééé");
  });

  test("a wrong one is refused", async () => {
    expect(await outcome(() => header({ name: "b", checksum: () => "000001\0 " }))).toBe("archive-invalid");
  });

  test("a changed byte is noticed, or says the same in other words", () => {
    const block = rawEntry({ name: "dir/file", mtime: 1, body: "x" }).slice(0, 512);
    const whole = parseHeader(block);
    fc.assert(
      fc.property(fc.nat(511), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        try {
          expect(parseHeader(block.with(at, (block[at] as number) ^ flip))).toEqual(whole);
        } catch (error) {
          expect(error).toBeInstanceOf(PspfError);
        }
      }),
    );
  });
});

test("a name that is not UTF-8 is refused, a BOM stays", async () => {
  expect(await outcome(() => header({ name: "b", patch: { 0: "\xff" } }))).toBe("archive-invalid");
  expect(header({ name: "\ufeffb" })?.name).toBe("\ufeffb");
});
