import type { Transform } from "node:stream";
import type { Bytes, ByteStream } from "../types.ts";

/**
 * Sends a stream through one of Node's transforms, with back pressure both ways. When the consumer leaves, or
 * anything fails, the transform is destroyed and the input closed before this returns. The input is read to its end,
 * and what it throws is thrown, even if the transform ended before: decoders end themselves when they like.
 */
export async function* throughTransform(input: ByteStream, transform: Transform): ByteStream {
  let isWanted = true;
  const feeding = feed(input, transform, () => isWanted);
  // Nobody may be waiting yet; a failure of the input reaches the consumer through the transform or below.
  feeding.catch(() => undefined);
  let isAtEnd = false;
  try {
    for await (const chunk of transform as AsyncIterable<Bytes>)
      yield new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    isAtEnd = true;
  } finally {
    isWanted = isAtEnd;
    transform.destroy();
    if (!isAtEnd) await feeding.catch(() => undefined);
  }
  await feeding;
}

async function feed(input: ByteStream, transform: Transform, isWanted: () => boolean): Promise<void> {
  try {
    for await (const piece of input) {
      if (!transform.destroyed) await written(transform, piece);
      if (!isWanted()) return;
    }
    if (!transform.destroyed) transform.end();
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
