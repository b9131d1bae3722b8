import { openSyncDecoder, type SyncDecoder } from "../codecs/zstd-sync.ts";
import type { ByteSource } from "../io/byte-source.ts";
import type { TarHeader } from "../tar/tar-entry.ts";
import { type TarParser, tarParser } from "../tar/tar-parser.ts";
import type { Bytes } from "../types.ts";
import { decodeFrame } from "../workenv/unpacking/decode-frame.ts";
import type { FramePlace, SlotFrame } from "../workenv/unpacking/slot-frames.ts";

const READ = 256 * 1024;

/** Both throw for everything that could be wrong with a frame. */
export interface FrameReader {
  /** What the archive in a frame holds. Throws for what could mean something else in the whole archive. */
  entriesIn(frame: SlotFrame): Promise<readonly TarHeader[]>;
  /** Decodes a frame that holds some of a file. */
  check(frame: FramePlace): Promise<void>;
}

export function frameReader(source: ByteSource): FrameReader {
  // Only when a frame comes: not all who could ask do.
  let tools: { readonly decoder: SyncDecoder | undefined; readonly memory: Bytes } | undefined;
  const decode = (frame: FramePlace, use: (piece: Bytes) => void): Promise<void> => {
    tools ??= { decoder: openSyncDecoder(), memory: new Uint8Array(READ) };
    const { decoder, memory } = tools;
    if (decoder === undefined) throw new Error("this runtime has no decoder for threads");
    return decodeFrame(source, frame, { decoder, memory }, use);
  };
  return {
    async entriesIn(frame) {
      const { parser, headers } = listing(frame.isLast);
      await decode(frame, parser.push);
      parser.end();
      return headers;
    },
    check: async (frame) => decode(frame, () => {}),
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
