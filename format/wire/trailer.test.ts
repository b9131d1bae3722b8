import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { failureOf } from "../../tests/support/failure.ts";
import { memorySource } from "../io/byte-source.ts";
import { INDEX_SIZE, TRAILER_END, TRAILER_SIZE, TRAILER_START } from "../spec.ts";
import type { Bytes } from "../types.ts";
import { readIndexBlock } from "./read-index.ts";
import { frameIndex, unframeIndex } from "./trailer.ts";

const block = new Uint8Array(INDEX_SIZE).map((_, i) => i % 251);
const joined = (...parts: readonly Bytes[]): Bytes => new Uint8Array(Buffer.concat(parts));
const messageFor = async (bytes: Bytes): Promise<string> => {
  const error = await failureOf(() => readIndexBlock(memorySource(bytes, "app.psp")));
  expect(error.code).toBe("not-a-package");
  return error.message;
};

describe("a framed index", () => {
  test("lies between the two markers", () => {
    const trailer = frameIndex(block);
    expect(trailer.length).toBe(8200);
    expect(trailer.slice(0, 4).toHex()).toBe("f09f93a6");
    expect(trailer.slice(-4).toHex()).toBe("f09faa84");
    expect(trailer.slice(4, -4)).toEqual(block);
  });

  test("is unframed to the same block", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: INDEX_SIZE, maxLength: INDEX_SIZE }), (noise) => {
        expect(unframeIndex(frameIndex(new Uint8Array(noise)))).toEqual(new Uint8Array(noise));
      }),
      { numRuns: 20 },
    );
  });

  test.each([0, 1, 2, 3, 8196, 8197, 8198, 8199])("is none with another byte %i", (at) => {
    for (const flip of [1, 0x80, 0xff]) {
      const trailer = frameIndex(block);
      trailer[at] = (trailer[at] as number) ^ flip;
      expect(unframeIndex(trailer)).toBeUndefined();
    }
  });

  test.each([0, 8199, 8201])("is none with %i bytes", (length) => {
    expect(unframeIndex(joined(frameIndex(block), new Uint8Array(1)).slice(0, length))).toBeUndefined();
  });
});

describe("readIndexBlock", () => {
  test("reads the last bytes, and nothing else", async () => {
    const source = memorySource(joined(new Uint8Array(1000), frameIndex(block)));
    expect(await readIndexBlock(source)).toEqual(block);
    expect(await readIndexBlock(memorySource(frameIndex(block)))).toEqual(block);
  });

  test.each([0, 1, 8199])("says that a file of %i bytes is too small", async (size) => {
    expect(await messageFor(new Uint8Array(size))).toBe(
      `Cannot read app.psp as a package: it has only ${size} bytes`,
    );
  });

  test.each([8200, 8201, 100_000])("says that a file of %i other bytes is no package", async (size) => {
    expect(await messageFor(new Uint8Array(size))).toBe(
      "Cannot read app.psp as a package: it does not end with a PSPF trailer",
    );
  });

  test.each([1, 3, 4, 100, 8200, 1024 * 1024])("counts %i bytes that were appended", async (count) => {
    expect(await messageFor(joined(new Uint8Array(50), frameIndex(block), new Uint8Array(count)))).toBe(
      `Cannot read app.psp as a package: ${count} bytes follow its PSPF trailer`,
    );
  });

  test("does not look further back than a MiB", async () => {
    const bytes = joined(frameIndex(block), new Uint8Array(1024 * 1024 + 1));
    expect(await messageFor(bytes)).toEndWith("it does not end with a PSPF trailer");
  });

  test("is not misled by markers that were appended, or that are everywhere", async () => {
    const appended = joined(frameIndex(block), TRAILER_START, TRAILER_END, new Uint8Array(9000), TRAILER_END);
    expect(await messageFor(appended)).toEndWith("9012 bytes follow its PSPF trailer");
    const ends = joined(...Array.from({ length: 50_000 }, () => TRAILER_END), new Uint8Array(1));
    expect(await messageFor(ends)).toEndWith("it does not end with a PSPF trailer");
    expect(await messageFor(joined(TRAILER_END, new Uint8Array(TRAILER_SIZE)))).toEndWith(
      "it does not end with a PSPF trailer",
    );
  });

  test("tells the same of a source whose bytes are a view into something larger", async () => {
    const whole = joined(new Uint8Array(77), frameIndex(block), new Uint8Array(5));
    const view = whole.subarray(77);
    const source = {
      name: "view",
      size: view.length,
      read: async (at: number, length: number) => view.subarray(at, at + length),
    };
    const error = await failureOf(() => readIndexBlock(source));
    expect(error.message).toEndWith("5 bytes follow its PSPF trailer");
  });
});
