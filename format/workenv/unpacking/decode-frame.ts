import type { SyncDecoder } from "../../codecs/zstd-sync.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import type { Bytes } from "../../types.ts";
import type { FramePlace } from "./slot-frames.ts";

export interface DecodeTools {
  readonly decoder: SyncDecoder;
  /** For compressed bytes. */
  readonly memory: Bytes;
  /** For what they decode to, where the decoder's own memory is not to be used; what is used lies at its front. */
  readonly output?: Bytes | undefined;
  /** Waited for now and then. */
  readonly turn?: (() => Promise<void>) | undefined;
}

/**
 * Decodes one frame of a slot, in flat memory; pieces are valid while they are used. Throws unless it is as long as the
 * seek table says, and what the decoder throws.
 */
export async function decodeFrame(
  source: ByteSource,
  { offset, size, content }: FramePlace,
  { decoder, memory, output, turn }: DecodeTools,
  use: (piece: Bytes) => void,
): Promise<void> {
  let decoded = 0;
  const take = (piece: Bytes) => {
    decoded += piece.length;
    if (decoded > content) throw new Error("a frame is longer than the seek table says");
    use(piece);
  };
  decoder.begin(output);
  for (let at = 0; at < size; at += memory.length) {
    decoder.push(await source.read(offset + at, Math.min(memory.length, size - at), memory), take);
    await turn?.();
  }
  decoder.end();
  if (decoded !== content) throw new Error("a frame is not as long as the seek table says");
}
