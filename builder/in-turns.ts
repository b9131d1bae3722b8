import type { ByteStream } from "../format/types.ts";

/** So many bytes in one go take about as long as a thread needs for a third of a frame. */
const TURN = 4 * 1024 * 1024;

/**
 * The same stream, for long work beside other work: now and then everything else has its turn, so that what threads have
 * compressed meanwhile is taken from them.
 */
export async function* inTurns(stream: ByteStream): ByteStream {
  let count = 0;
  for await (const piece of stream) {
    yield piece;
    count += piece.length;
    if (count < TURN) continue;
    count = 0;
    await new Promise((resume) => setImmediate(resume));
  }
}
