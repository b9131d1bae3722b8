import { openSyncDecoder, type SyncDecoder } from "../codecs/zstd-sync.ts";
import type { ByteSource } from "../io/byte-source.ts";
import type { TarHeader } from "../tar/tar-entry.ts";
import { type TarParser, tarParser } from "../tar/tar-parser.ts";
import type { Bytes } from "../types.ts";
import { decodeFrame } from "../workenv/unpacking/decode-frame.ts";
import type { SlotFrame } from "../workenv/unpacking/slot-frames.ts";

const READ = 256 * 1024;

/**
 * Tells what the archives in frames hold. Throws for everything that could be wrong with a frame, and for what could mean
 * something else in the whole archive.
 */
export function frameReader(source: ByteSource): (frame: SlotFrame) => Promise<readonly TarHeader[]> {
  // Only when a frame comes: not all who could ask do.
  let tools: { readonly decoder: SyncDecoder | undefined; readonly memory: Bytes } | undefined;
  return async (frame) => {
    tools ??= { decoder: openSyncDecoder(), memory: new Uint8Array(READ) };
    const { decoder, memory } = tools;
    if (decoder === undefined) throw new Error("this runtime has no decoder for threads");
    const { parser, headers } = listing(frame.isLast);
    await decodeFrame(source, frame, { decoder, memory }, parser.push);
    parser.end();
    return headers;
  };
}

/** The entries of a part of an archive that is in memory. Throws as the reader of a frame does. */
export function entriesIn(content: Bytes, isLast: boolean): readonly TarHeader[] {
  const { parser, headers } = listing(isLast);
  parser.push(content);
  parser.end();
  return headers;
}

function listing(isLast: boolean): { readonly parser: TarParser; readonly headers: readonly TarHeader[] } {
  const headers: TarHeader[] = [];
  const visitor = { entry: (header: TarHeader) => void headers.push(header) };
  return { parser: tarParser(visitor, { ending: isLast ? "marked" : "open" }), headers };
}
