import { expect, test } from "bun:test";
import fc from "fast-check";
import { zstdDecompressSync } from "node:zlib";
import { collect, concat, fromBytes } from "../format/codecs/streams.ts";
import { zstd } from "../format/codecs/zstd.ts";
import { zstdPortable } from "../format/codecs/zstd-portable.ts";
import type { Bytes } from "../format/types.ts";
import { compressFrame } from "./compress-frame.ts";

const frameOf = async (content: Bytes, level = 3) => concat(await compressFrame(content, level));

const contents = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }),
  fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.nat(300_000)).map(([part, size]) => {
    const content = new Uint8Array(size);
    for (let at = 0; at < size; at += part.length) content.set(part.subarray(0, size - at), at);
    return content;
  }),
);

test("property: every decoder reads a frame, and it always has a checksum", async () => {
  await fc.assert(
    fc.asyncProperty(contents, fc.constantFrom(1, 3, 9), async (any, level) => {
      const content = new Uint8Array(any);
      const frame = await frameOf(content, level);
      expect(frame[4]! & 4).toBe(4);
      expect(new Uint8Array(zstdDecompressSync(frame))).toEqual(content);
      expect(await collect(zstd.decode(fromBytes(frame)))).toEqual(content);
      expect(await collect(zstdPortable.decode(fromBytes(frame)))).toEqual(content);
    }),
  );
});

test("a decoder sees that the content is not what the checksum says", async () => {
  const frame = await frameOf(new TextEncoder().encode("some content"));
  frame[frame.length - 1]! ^= 1;
  expect(() => zstdDecompressSync(frame)).toThrow();
  await expect(collect(zstd.decode(fromBytes(frame)))).rejects.toMatchObject({ code: "codec-failed" });
});

const zstdTool = Bun.which("zstd");
if (zstdTool === null) process.stderr.write("skipped: a test against the zstd tool, there is none\n");
test.skipIf(zstdTool === null)("the zstd tool finds its checksum right, and a wrong one wrong", async () => {
  const check = (frame: Bytes) =>
    Bun.spawnSync(["zstd", "-t", "-"], { stdin: frame, stderr: "ignore" }).exitCode;
  const frame = await frameOf(new Uint8Array(5_000_000).map((_, i) => (i * i) % 251));
  expect(check(frame)).toBe(0);
  frame[frame.length - 2]! ^= 1;
  expect(check(frame)).not.toBe(0);
});
