import type { Transform } from "node:stream";
import type { Bytes, ByteStream } from "../types.ts";

/**
 * Sends a stream through one of Node's transforms, with back pressure both ways. When the consumer leaves, or
 * anything fails, the transform is destroyed and the input closed before this returns. A decoder may end before its
 * input does: the rest is not read then, but what the input has thrown until then is thrown.
 */
export async function* throughTransform(input: ByteStream, transform: Transform): ByteStream {
  let failure: { readonly cause: unknown } | undefined;
  const feeding = feed(input, transform).catch((cause: unknown) => {
    failure = { cause };
  });
  try {
    for await (const chunk of transform as AsyncIterable<Bytes>)
      yield new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
  } finally {
    transform.destroy();
    await feeding;
  }
  if (failure !== undefined) throw failure.cause;
}

async function feed(input: ByteStream, transform: Transform): Promise<void> {
  try {
    for await (const piece of input) {
      await written(transform, piece);
      if (transform.destroyed) return;
    }
    transform.end();
  } catch (cause) {
    transform.destroy(cause instanceof Error ? cause : new Error(String(cause)));
    throw cause;
  }
}

/**
 * Resolves when the piece is worked off, or never will be. One piece at a time: a zstd transform that is ended while
 * pieces wait ends its frame with the last of them and then writes a second, empty frame.
 */
const written = (transform: Transform, piece: Bytes): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      transform.off("close", done);
      resolve();
    };
    transform.on("close", done);
    if (transform.destroyed) done();
    else transform.write(piece, done);
  });
