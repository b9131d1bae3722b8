import { describe, expect, test } from "bun:test";
import { deflateRawSync, gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { failureOf } from "../../tests/support/failure.ts";
import { GOLDEN_NAMES, goldenBytes } from "../../tests/golden/golden.ts";
import { indexOf } from "../../tests/support/forged.ts";
import { PspfError } from "../errors.ts";
import { MAX_METADATA_SIZE } from "../spec.ts";
import type { Bytes } from "../types.ts";
import { gunzipMetadata, gzipMetadata } from "./metadata-block.ts";

const anyText = fc.uint8Array({ maxLength: 3000 }).map((value) => new Uint8Array(value));
const json = new TextEncoder().encode(JSON.stringify({ some: "metadata ".repeat(40) }));
const block = await gzipMetadata(json);

const joined = (...parts: readonly Uint8Array[]): Bytes => new Uint8Array(Buffer.concat(parts));
/** A gzip member with the header given, and whatever is between it and the compressed data. */
const member = (flags: number, fields: Uint8Array = new Uint8Array()): Bytes =>
  joined(block.slice(0, 3), Uint8Array.of(flags), block.slice(4, 10), fields, block.slice(10));

describe("gzipMetadata", () => {
  test("gives back what it was given, to us and to another reader", async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (text) => {
        const packed = await gzipMetadata(text);
        expect(await gunzipMetadata(packed)).toEqual(text);
        expect(new Uint8Array(gunzipSync(packed))).toEqual(text);
      }),
    );
  });

  test("writes the plain header without time and system", () => {
    expect(block.slice(0, 10).toHex()).toBe("1f8b08000000000002ff");
  });

  test("writes equal bytes for equal text", async () => {
    expect(await gzipMetadata(json)).toEqual(block);
  });
});

describe("gunzipMetadata", () => {
  test.each([...GOLDEN_NAMES])("reads the block of the %s builder", async (name) => {
    const pkg = goldenBytes(name);
    const { metadataOffset, metadataSize } = indexOf(pkg);
    const stored = pkg.slice(Number(metadataOffset), Number(metadataOffset + metadataSize));
    expect(await gunzipMetadata(stored)).toEqual(new Uint8Array(gunzipSync(stored)));
  });

  test.each([0, 1, 6, 9])("reads what level %i makes", async (level) => {
    expect(await gunzipMetadata(new Uint8Array(gzipSync(json, { level })))).toEqual(json);
  });

  test("reads a block that is a view into something larger", async () => {
    const large = joined(new Uint8Array(13), block, new Uint8Array(13));
    expect(await gunzipMetadata(large.subarray(13, 13 + block.length))).toEqual(json);
  });

  const empty = new Uint8Array(gzipSync(""));
  test.each([
    ["nothing", new Uint8Array(), "it is not gzip"],
    ["plain JSON", json, "it is not gzip"],
    ["17 bytes", block.slice(0, 17), "it is not gzip"],
    ["another compression", joined(Uint8Array.of(0x1f, 0x8b, 7), block.slice(3)), "it is not gzip"],
    ["a text flag", member(1), "its gzip header has optional fields"],
    ["a header checksum", member(2, Uint8Array.of(0, 0)), "its gzip header has optional fields"],
    ["an extra field", member(4, Uint8Array.of(1, 0, 65)), "its gzip header has optional fields"],
    ["a file name", member(8, Uint8Array.of(65, 0)), "its gzip header has optional fields"],
    ["a comment", member(16, Uint8Array.of(65, 0)), "its gzip header has optional fields"],
    ["a reserved flag", member(0x80), "its gzip header has optional fields"],
    ["two members", joined(block, block), "something follows its gzip member"],
    ["an empty second member", joined(block, empty), "something follows its gzip member"],
    ["an empty first member", joined(empty, block), "something follows its gzip member"],
    ["one byte behind", joined(block, Uint8Array.of(0)), "something follows its gzip member"],
    [
      "a MiB of zeros behind",
      joined(block, new Uint8Array(1024 * 1024)),
      "something follows its gzip member",
    ],
    ["another length", block.with(block.length - 1, 1), "its gzip checksum does not match"],
    [
      "another checksum",
      block.with(block.length - 8, (block.at(-8) as number) ^ 1),
      "its gzip checksum does not match",
    ],
  ] as const)("refuses %s", async (_, input, state) => {
    const error = await failureOf(() => gunzipMetadata(new Uint8Array(input)));
    expect(error.code).toBe("metadata-invalid");
    expect(error.message).toBe(`Cannot unpack the metadata: ${state}`);
  });

  test("refuses a block that is cut anywhere", async () => {
    for (let length = 0; length < block.length; length++) {
      const error = await failureOf(() => gunzipMetadata(block.slice(0, length)));
      expect(error.code).toBe("metadata-invalid");
    }
  });

  test("refuses compressed data that never end", async () => {
    // a stored block that is not the last one: what follows could be anything
    const endless = Uint8Array.of(0x00, 0x02, 0x00, 0xfd, 0xff, 0x7b, 0x7d);
    const footer = new DataView(new ArrayBuffer(8));
    footer.setUint32(0, Bun.hash.crc32("{}"), true);
    footer.setUint32(4, 2, true);
    const error = await failureOf(() =>
      gunzipMetadata(joined(block.slice(0, 10), endless, new Uint8Array(footer.buffer))),
    );
    expect(error.code).toBe("metadata-invalid");
  });

  test("takes a MiB and not one byte more", async () => {
    const full = new Uint8Array(MAX_METADATA_SIZE).fill(0x20);
    expect((await gunzipMetadata(await gzipMetadata(full))).length).toBe(MAX_METADATA_SIZE);
    const more = await gzipMetadata(new Uint8Array(MAX_METADATA_SIZE + 1).fill(0x20));
    expect((await failureOf(() => gunzipMetadata(more))).message).toBe(
      "Cannot unpack the metadata: it is larger than 1048576 bytes",
    );
  });

  test("stops at a MiB of a bomb", async () => {
    const bomb = new Uint8Array(gzipSync(new Uint8Array(64 * 1024 * 1024)));
    expect((await failureOf(() => gunzipMetadata(bomb))).message).toContain("larger than 1048576 bytes");
  });

  test("noise and damage are refused with a name, or do not change the text", async () => {
    const noise = fc.uint8Array({ maxLength: 200 }).map((value) => joined(block.slice(0, 10), value));
    const damage = fc
      .tuple(fc.nat(block.length - 1), fc.integer({ min: 1, max: 255 }))
      .map(([at, flip]) => block.with(at, (block[at] as number) ^ flip) as Bytes);
    await fc.assert(
      fc.asyncProperty(fc.oneof(noise, damage, anyText), async (input) => {
        try {
          expect(await gunzipMetadata(input)).toEqual(new Uint8Array(gunzipSync(input)));
        } catch (error) {
          expect(error).toBeInstanceOf(PspfError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("compressed data alone is no block", async () => {
    expect((await failureOf(() => gunzipMetadata(new Uint8Array(deflateRawSync(json))))).code).toBe(
      "metadata-invalid",
    );
  });
});
