import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Bytes, ByteStream } from "../types.ts";
import { ByteReader } from "./byte-reader.ts";
import { collect, concat, evenPieces, fromBytes } from "./streams.ts";

const anyPieces = fc
  .array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 })
  .map((pieces) => pieces.map((piece) => Uint8Array.from(piece)));

async function* stream(pieces: readonly Bytes[]): ByteStream {
  yield* pieces;
}

test("bytes become a stream and bytes again", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), fc.integer({ min: 1, max: 50 }), async (input, size) => {
      expect(await collect(fromBytes(Uint8Array.from(input), size))).toEqual(Uint8Array.from(input));
    }),
  );
});

test("even pieces are even and keep the bytes", async () => {
  await fc.assert(
    fc.asyncProperty(anyPieces, fc.integer({ min: 1, max: 50 }), async (pieces, size) => {
      const even: Bytes[] = [];
      for await (const piece of evenPieces(stream(pieces), size)) even.push(piece);
      expect(concat(even)).toEqual(concat(pieces));
      for (const piece of even.slice(0, -1)) expect(piece.length).toBe(size);
      expect(even.at(-1)?.length).not.toBe(0);
    }),
  );
});

test("a reader gives the bytes of the stream, whatever is asked for", async () => {
  await fc.assert(
    fc.asyncProperty(anyPieces, fc.array(fc.nat(60), { minLength: 1 }), async (pieces, asks) => {
      const whole = concat(pieces);
      await using reader = new ByteReader(stream(pieces));
      let at = 0;
      for (const ask of asks) {
        const there = await reader.fill(ask);
        expect(there).toBeGreaterThanOrEqual(Math.min(ask, whole.length - at));
        expect(reader.window()).toEqual(whole.slice(at, at + there));
        const size = Math.min(ask, there);
        expect(reader.take(size)).toEqual(whole.slice(at, at + size));
        at += size;
        expect(reader.position).toBe(at);
      }
    }),
  );
});

test("a reader does not skip what it has not read", async () => {
  await using reader = new ByteReader(fromBytes(Uint8Array.of(1, 2, 3)));
  await reader.fill(2);
  expect(() => reader.skip(4)).toThrow("not filled");
});

test("a reader's scope closes the stream", async () => {
  let closed = false;
  const endless = async function* (): ByteStream {
    try {
      for (;;) yield Uint8Array.of(1);
    } finally {
      closed = true;
    }
  };
  {
    await using reader = new ByteReader(endless());
    await reader.fill(5);
  }
  expect(closed).toBe(true);
});
