import { openSyncDecoder, type SyncDecoder } from "../codecs/zstd-sync.ts";
import type { ByteSource } from "../io/byte-source.ts";
import type { EntrySink, TarHeader } from "../tar/tar-entry.ts";
import { tarParser } from "../tar/tar-parser.ts";
import type { Bytes } from "../types.ts";
import { decodeFrame } from "../workenv/unpacking/decode-frame.ts";
import {
  countWithin,
  insideOf,
  type LongFile,
  longFileIn,
  startsOf,
} from "../workenv/unpacking/long-file.ts";
import type { FramePlace, SlotFrame } from "../workenv/unpacking/slot-frames.ts";

const READ = 256 * 1024;

/** Both throw for everything that could be wrong with a frame. */
export interface FrameReader {
  /** What the archive in a frame holds. Throws for what could mean something else in the whole archive. */
  entriesIn(frame: SlotFrame): Promise<readonly TarHeader[]>;
  /** The same while others check what may be inside of a long file: it is decoded only where there is none. */
  entriesAround(frame: SlotFrame): Promise<readonly TarHeader[]>;
  /** Decodes a frame that holds some of a file. */
  check(frame: FramePlace): Promise<void>;
}

type Decode = (frame: FramePlace, use: (piece: Bytes) => void) => Promise<void>;

export function frameReader(source: ByteSource): FrameReader {
  // Only when a frame comes: not all who could ask do.
  let tools: { readonly decoder: SyncDecoder | undefined; readonly memory: Bytes } | undefined;
  const decode: Decode = (frame, use) => {
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
    async entriesAround(frame) {
      const { parser, headers, bytesOfLast } = listing(frame.isLast);
      const [head, ...rest] = frame.pieces as [FramePlace, ...FramePlace[]];
      await decode(head, parser.push);
      const last = headers.at(-1);
      const long =
        last?.kind === "file" ? longFileIn(frame, head.content - bytesOfLast(), last.size) : undefined;
      if (long !== undefined) {
        await decodeAround(long, decode);
        return headers;
      }
      for (const piece of rest) await decode(piece, parser.push);
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

/** Decodes the last pieces of a long file, behind which nothing but zeros may be. */
async function decodeAround({ frame, before, size }: LongFile, decode: Decode): Promise<void> {
  const inside = new Set(insideOf(frame));
  const starts = startsOf(frame);
  for (const [i, piece] of frame.pieces.entries()) {
    if (i === 0 || inside.has(piece)) continue;
    let at = (starts[i] as number) - before;
    await decode(piece, (bytes) => {
      countWithin(size, bytes, at);
      at += bytes.length;
    });
  }
}

function listing(isLast: boolean) {
  const headers: TarHeader[] = [];
  let bytesOfLast = 0;
  const body: EntrySink = {
    write(piece) {
      bytesOfLast += piece.length;
    },
    close() {},
  };
  const entry = (header: TarHeader): EntrySink => {
    headers.push(header);
    bytesOfLast = 0;
    return body;
  };
  const parser = tarParser({ entry }, { ending: isLast ? "marked" : "open" });
  return { parser, headers, bytesOfLast: () => bytesOfLast } as const;
}
