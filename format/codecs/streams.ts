import type { Bytes, ByteStream } from "../types.ts";

/** A whole stream in memory: for metadata and tests, never for slots. */
export async function collect(stream: ByteStream): Promise<Bytes> {
  const pieces: Bytes[] = [];
  for await (const piece of stream) pieces.push(piece);
  return concat(pieces);
}

/** Bytes as a stream, in pieces of at most `size` bytes. */
export async function* fromBytes(bytes: Bytes, size: number = 64 * 1024): ByteStream {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export function concat(pieces: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/**
 * The same bytes in pieces of exactly `size`, the last one excepted. Some compressors write other bytes for other
 * pieces; behind this, their output depends on the data alone. `take` gives the memory of each.
 */
export async function* evenPieces(
  input: ByteStream,
  size: number = 64 * 1024,
  take: () => Bytes = () => new Uint8Array(size),
): ByteStream {
  let even = take();
  let filled = 0;
  for await (const piece of input)
    for (let at = 0; at < piece.length;) {
      const part = piece.subarray(at, at + size - filled);
      even.set(part, filled);
      at += part.length;
      filled += part.length;
      if (filled < size) break;
      yield even;
      even = take();
      filled = 0;
    }
  if (filled > 0) yield even.subarray(0, filled);
}
