import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import fc from "fast-check";
import type { Bytes } from "../types.ts";
import {
  adler32,
  digestPrefix,
  isSha256,
  nameHash,
  sameBytes,
  sha256,
  sha256Hex,
  sha256Stream,
  toHex,
} from "./hashes.ts";

const anyBytes = fc.uint8Array({ maxLength: 2000 }).map((value) => new Uint8Array(value));

const version = new Uint8Array(8192);
version.set([0x01, 0x00, 0x25, 0x20]);

describe("adler32", () => {
  test.each([
    ["nothing", new Uint8Array(), 0x00000001],
    ["1024 zeros", new Uint8Array(1024), 0x04000001],
    ["8192 zeros", new Uint8Array(8192), 0x20000001],
    ["8192 bytes that begin with the format version", version, 0xdfce0047],
    ["Hello, PSPF! and a newline", new TextEncoder().encode("Hello, PSPF!\n"), 0x1d5103a5],
  ] as const)("%s", (_, input, sum) => {
    expect(adler32(input as Bytes)).toBe(sum);
  });

  test("is the sum of RFC 1950, unsigned", () => {
    const plain = (input: Bytes): number => {
      let a = 1;
      let b = 0;
      for (const byte of input) {
        a = (a + byte) % 65521;
        b = (b + a) % 65521;
      }
      return b * 65536 + a;
    };
    fc.assert(fc.property(anyBytes, (input) => expect(adler32(input)).toBe(plain(input))));
    const high = new Uint8Array(8192).fill(0xff);
    expect(adler32(high)).toBe(plain(high));
  });
});

describe("sha256", () => {
  test("agrees with another implementation, whole and in pieces", () => {
    fc.assert(
      fc.property(anyBytes, fc.nat(2000), (input, cut) => {
        const expected = createHash("sha256").update(input).digest("hex");
        expect(toHex(sha256(input))).toBe(expected);
        expect(sha256Hex(input) as string).toBe(expected);
        const stream = sha256Stream();
        stream.update(input.subarray(0, cut));
        stream.update(input.subarray(cut));
        expect(stream.hex() as string).toBe(expected);
      }),
    );
  });

  test("takes text as UTF-8", () => {
    expect(sha256Hex("grün 📦")).toBe(sha256Hex(new TextEncoder().encode("grün 📦")));
  });
});

describe("nameHash", () => {
  test.each([
    ["hello", 0x0ea3b05fba4df22cn, "2cf24dba5fb0a30e"],
    ["conf", 0x087b79024f6c320cn, "0c326c4f02797b08"],
    ["note", 0x05e491426265b4edn, "edb465624291e405"],
    ["wheels", 0x95d5c963842a4a86n, "864a2a8463c9d595"],
    ["bin/hello.sh", 0xa56bae1f22d80ad4n, "d40ad8221fae6ba5"],
  ])("of %j", (name, hash, digest) => {
    expect(nameHash(name)).toBe(hash);
    expect(toHex(sha256(name)).slice(0, 16)).toBe(digest);
  });

  test("is the digest's first eight bytes, wherever the digest lies in its buffer", () => {
    const buffer = new Uint8Array(64);
    buffer.set(sha256("hello"), 9);
    expect(digestPrefix(buffer.subarray(9, 41))).toBe(nameHash("hello"));
  });
});

describe("isSha256", () => {
  const good = "0123456789abcdef".repeat(4);
  test.each([
    [good, true],
    [good.toUpperCase(), false],
    [good.slice(1), false],
    [`${good}0`, false],
    [`${good}\n`, false],
    [`sha256:${good}`, false],
    [good.replace("a", "g"), false],
    ["", false],
  ])("%j: %p", (text, is) => {
    expect(isSha256(text)).toBe(is);
  });
});

describe("sameBytes", () => {
  test("is true for equal bytes and for nothing else", () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (a, b) => {
        expect(sameBytes(a, a.slice())).toBeTrue();
        expect(sameBytes(a, b)).toBe(Buffer.compare(a, b) === 0);
        expect(sameBytes(a, new Uint8Array([...a, 0]))).toBeFalse();
      }),
    );
  });
});
