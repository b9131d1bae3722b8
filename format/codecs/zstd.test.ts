import { describe, expect, test } from "bun:test";
import { constants, zstdCompressSync } from "node:zlib";
import { PspfError } from "../errors.ts";
import type { Bytes } from "../types.ts";
import { collect, concat, fromBytes } from "./streams.ts";
import { zstd } from "./zstd.ts";
import { zstdPortable } from "./zstd-portable.ts";

const BACK_ENDS = [
  ["native", zstd],
  ["portable", zstdPortable],
] as const;

const bytesOf = (text: string): Bytes => new TextEncoder().encode(text);
const frame = (bytes: Bytes, params: Readonly<Record<number, number>> = {}): Bytes =>
  new Uint8Array(zstdCompressSync(bytes, { params }));
const skippable = (content: Bytes, kind = 0xe): Bytes =>
  concat([
    Uint8Array.of(0x50 | kind, 0x2a, 0x4d, 0x18),
    new Uint8Array(Uint32Array.of(content.length).buffer),
    content,
  ]);

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "no failure",
    (error: unknown) => error,
  );

describe.each(BACK_ENDS)("%s", (_, codec) => {
  const decode = (bytes: Bytes, size?: number): Promise<Bytes> =>
    collect(codec.decode(fromBytes(bytes, size)));

  test.each([1, 2, 5, 1000])(
    "reads independent frames and a table in a skippable frame, %d bytes at a time",
    async (size) => {
      const stored = concat([
        frame(bytesOf("hello ")),
        frame(bytesOf("world")),
        skippable(bytesOf("seek table")),
      ]);
      expect(await decode(stored, size)).toEqual(bytesOf("hello world"));
    },
  );

  test("skippable frames may be anywhere, empty, and alone", async () => {
    const parts = [
      skippable(bytesOf("first"), 0),
      frame(bytesOf("a")),
      skippable(bytesOf("")),
      frame(bytesOf("b")),
    ];
    expect(await decode(concat(parts))).toEqual(bytesOf("ab"));
    expect(await decode(skippable(bytesOf("x")))).toEqual(bytesOf(""));
  });

  test("a skippable frame must be whole, too", async () => {
    const stored = concat([frame(bytesOf("hello")), skippable(bytesOf("seek table"))]);
    for (const missing of [1, 9, 10, 11, 14, 17])
      expect(await failure(decode(stored.slice(0, -missing)))).toMatchObject({ code: "codec-failed" });
  });

  test.each([
    ["no size", { [constants.ZSTD_c_contentSizeFlag]: 0 }],
    ["a checksum", { [constants.ZSTD_c_checksumFlag]: 1 }],
  ])("every form of frame header: %s", async (_, params) => {
    for (const size of [0, 1, 255, 256, 65_791, 65_792, 300_000]) {
      const bytes = new Uint8Array(size).map((_, i) => i >>> 3);
      expect(await decode(concat([frame(bytes, params), frame(bytes, params)]))).toEqual(
        concat([bytes, bytes]),
      );
    }
  });

  test.each([1, 7, 1000])(
    "a frame that ends before what it announced is refused, %d bytes at a time",
    async (size) => {
      // One byte says 40, and then comes an empty last block.
      const empty = Uint8Array.fromHex("28b52ffd2028010000");
      expect(await failure(decode(empty, size))).toMatchObject({ code: "codec-failed" });
      expect(await failure(decode(concat([frame(bytesOf("hello")), empty]), size))).toMatchObject({
        code: "codec-failed",
      });
    },
  );

  test.each([1, 7, 19, 20, 1000])(
    "a rest too short for a frame is refused, %d bytes at a time",
    async (size) => {
      const stored = concat([frame(new Uint8Array(3000)), new Uint8Array(3)]);
      expect(await failure(decode(stored, size))).toMatchObject({ code: "codec-failed" });
    },
  );

  test.each([1, 7, 1000])(
    "a compressed block without a byte is refused, %d bytes at a time",
    async (size) => {
      const stored = Uint8Array.fromHex("28b52ffd2000050000");
      expect(await failure(decode(stored, size))).toMatchObject({ code: "codec-failed" });
    },
  );

  test("names what stands in the place of a frame", async () => {
    const error = await failure(decode(concat([frame(bytesOf("a")), bytesOf("tail")])));
    expect(error).toBeInstanceOf(PspfError);
    expect((error as PspfError).message).toBe(
      "Cannot decode zstd: 0x6c696174 stands where a frame should begin",
    );
  });
});

test("one input makes one frame with a checksum", async () => {
  const packed = await collect(zstd.encode(fromBytes(new Uint8Array(300_000), 7000), {}));
  expect(Buffer.from(packed).toString("hex").split("28b52ffd").length).toBe(2);
  expect(packed[4]! & 4).toBe(4);
});

test("a window that the WASM heap cannot hold is refused quietly, and the next stream is read", async () => {
  const script = `
    import { zstdPortable } from ${JSON.stringify(`${import.meta.dir}/zstd-portable.ts`)};
    import { collect, fromBytes } from ${JSON.stringify(`${import.meta.dir}/streams.ts`)};
    import { constants, zstdCompressSync } from "node:zlib";
    const zeros = (windowLog) =>
      new Uint8Array(zstdCompressSync(new Uint8Array(40 << 20), {
        params: { [constants.ZSTD_c_windowLog]: windowLog, [constants.ZSTD_c_contentSizeFlag]: 0 },
      }));
    const huge = zeros(26);
    const codes = [];
    for (let i = 0; i < 3; i++)
      codes.push(await collect(zstdPortable.decode(fromBytes(huge))).then(() => "no failure", (error) => error.code));
    const after = (await collect(zstdPortable.decode(fromBytes(zeros(23))))).length;
    process.stdout.write(JSON.stringify({ codes, after, listeners: process.eventNames().filter((name) => /^un/.test(name)) }));
  `;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "pipe" });
  expect(await child.stderr.text()).toBe("");
  expect(JSON.parse(await child.stdout.text())).toEqual({
    codes: Array(3).fill("codec-failed"),
    after: 40 << 20,
    listeners: [],
  });
  expect(await child.exited).toBe(0);
});
