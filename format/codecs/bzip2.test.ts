import { expect, test } from "bun:test";
import type { Bytes } from "../types.ts";
import { bzip2 } from "./bzip2.ts";
import { collect, concat, fromBytes } from "./streams.ts";

/** What bzip2 1.0.8 makes of "hello". */
const HELLO = Uint8Array.fromHex(
  "425a68393141592653591931653d00000081000244a000219a68334d0733" + "8bb9229c28480c98b29e80",
);

const decode = (bytes: Bytes): Promise<Bytes> => collect(bzip2.decode(fromBytes(bytes)));
const messageOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "no failure",
    (error: Error) => error.message,
  );
const withByte = (at: number, value: number): Bytes => HELLO.with(at, value);

test("blocks end at every place around a limit, inside runs and between them", async () => {
  for (const run of [3, 4, 255])
    for (let size = 99_976; size < 99_984; size++) {
      const noise = Uint8Array.from({ length: size }, (_, i) => (i * i) >>> (i & 7));
      const bytes = concat([noise, new Uint8Array(run).fill(7), Uint8Array.of(1, 2, 3)]);
      const packed = await collect(bzip2.encode(fromBytes(bytes), { level: 1 }));
      if (Buffer.compare(await decode(packed), bytes) !== 0) throw new Error(`size ${size}, run ${run}`);
    }
});

test("runs expand in pieces of bounded size", async () => {
  const packed = await collect(bzip2.encode(fromBytes(new Uint8Array(5_000_000)), {}));
  let size = 0;
  for await (const piece of bzip2.decode(fromBytes(packed))) {
    expect(piece.length).toBeLessThanOrEqual(256 * 1024);
    size += piece.length;
  }
  expect(size).toBe(5_000_000);
});

test.each([
  ["another level", withByte(3, 0x30), 'no "BZh" header'],
  ["another block mark", withByte(5, 0), "neither a block nor the end"],
  ["another block checksum", withByte(10, 0), "the checksum of a block"],
  ["a randomised block", withByte(14, HELLO[14]! | 0x80), "randomised"],
  ["another stream checksum", withByte(HELLO.length - 2, 0), "the checksum of the whole"],
])("%s is refused by name", async (_, bytes, says) => {
  expect(await messageOf(decode(bytes))).toContain(says);
});

test("streams behind one another share their memory: an empty one has 14 bytes, its index would have 3.6 MB", async () => {
  const empty = Uint8Array.fromHex("425a683917724538509000000000") as Bytes;
  const made: unknown[] = [];
  const original = globalThis.Uint32Array;
  globalThis.Uint32Array = new Proxy(original, {
    construct(target, args) {
      made.push(args[0]);
      return Reflect.construct(target, args);
    },
  });
  try {
    const packed = concat([HELLO, ...Array.from({ length: 50 }, () => empty), HELLO]);
    expect(new TextDecoder().decode(await decode(packed))).toBe("hellohello");
  } finally {
    globalThis.Uint32Array = original;
  }
  expect(made.filter((size) => Number(size) > 1000)).toEqual([900_000]);
});
