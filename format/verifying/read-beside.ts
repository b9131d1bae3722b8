import { availableParallelism } from "node:os";
import { isArchive } from "../codecs/chain.ts";
import { damaged } from "../codecs/codec.ts";
import { fromBytes } from "../codecs/streams.ts";
import { zstd } from "../codecs/zstd.ts";
import { wholeFrames } from "../codecs/zstd-frames.ts";
import { type ByteSource, streamRange } from "../io/byte-source.ts";
import { unpackTar } from "../tar/unpack.ts";
import type { Bytes, ByteStream } from "../types.ts";
import { sha256Stream } from "../wire/hashes.ts";
import { fileTarget, placement } from "../workenv/unpacking/extract-slot.ts";
import { type FramePlace, framesOf } from "../workenv/unpacking/slot-frames.ts";
import { type PackageReading, readAlone } from "./read-alone.ts";

/** Up to this size they are decoded at once; our builder makes no larger ones. */
const AT_ONCE = 16 * 1024 * 1024;

/**
 * One thread that reads everything, while the runtime's own threads decode the next frames of a slot: for a process
 * that has those threads at work anyway, where more of ours would first have to start. Whatever it throws may be said
 * better by `readAlone`: only that all is well is as true.
 */
export function readBeside(source: ByteSource): PackageReading {
  const alone = readAlone(source);
  return {
    digestOf: alone.digestOf,
    async enter(slot, tree) {
      const frames = await framesOf(source, slot);
      if (frames === undefined) return alone.enter(slot, tree);
      const hash = sha256Stream();
      const pieces = frames.flatMap((frame) => frame.pieces);
      const content = decodedFrames(source, pieces, (stored) => hash.update(stored));
      if (isArchive(slot.entry.operations)) await unpackTar(content, tree, placement(slot.entry.target));
      else await tree.file(fileTarget(slot), slot.mode, 0, content);
      const { offset, size } = slot.stored;
      const end = frames.reduce((at, frame) => at + frame.size, offset as number);
      for await (const table of streamRange(source, end, offset + size - end)) hash.update(table);
      if (slot.entry.checksum !== undefined && hash.hex() !== slot.entry.checksum)
        throw damaged("ZSTD", "its bytes are not the signed ones");
      return slot.entry.originalSize as number;
    },
  };
}

/** What frames decode to, in order, the next ones being decoded already; `onStored` is told their bytes in order. */
export async function* decodedFrames(
  source: ByteSource,
  frames: readonly FramePlace[],
  onStored: (bytes: Bytes) => void,
): ByteStream {
  const most = availableParallelism() + 1;
  const ahead: Promise<Bytes>[] = [];
  let started = 0;
  try {
    for (const [i, frame] of frames.entries()) {
      for (; started < frames.length && started < i + most; started++) {
        const next = frames[started] as FramePlace;
        if (isLarge(next)) break;
        const stored = await source.read(next.offset, next.size);
        onStored(stored);
        const content = decodeFrame(stored, next);
        content.catch(() => {}); // it is asked for later
        ahead.push(content);
      }
      const bytes = ahead.shift();
      if (bytes === undefined) {
        started++;
        yield* decodeLarge(source, frame, onStored);
        continue;
      }
      const content = await bytes;
      yield content;
      // Given back at once: until the collector comes, each frame would need fresh memory. Small ones share theirs.
      if (content.length >= OWN_BUFFER) content.buffer.transfer(0);
    }
  } finally {
    // Given up: nobody will ask the others what became of them.
    await Promise.allSettled(ahead);
  }
}

/** Decoded frames from this size on have memory of their own. */
const OWN_BUFFER = 256 * 1024;

const isLarge = ({ size, content }: FramePlace): boolean => size > AT_ONCE || content > AT_ONCE;

/** Nothing but the one frame is in its bytes, and it is as long as the seek table says. */
async function decodeFrame(stored: Bytes, { content }: FramePlace): Promise<Bytes> {
  let whole: Bytes = new Uint8Array();
  const decode = async function* (frames: ByteStream): ByteStream {
    for await (const frame of frames) {
      whole = (await Bun.zstdDecompress(frame)) as Bytes;
      yield whole;
    }
  };
  for await (const _ of wholeFrames(fromBytes(stored, stored.length), decode));
  if (whole.length !== content) throw damaged("ZSTD", "a frame is not as long as the seek table says");
  return whole;
}

async function* decodeLarge(
  source: ByteSource,
  { offset, size, content }: FramePlace,
  onStored: (bytes: Bytes) => void,
): ByteStream {
  const counted = async function* (): ByteStream {
    for await (const piece of streamRange(source, offset, size, "passing")) {
      onStored(piece);
      yield piece;
    }
  };
  let length = 0;
  for await (const piece of zstd.decode(counted())) {
    length += piece.length;
    yield piece;
  }
  if (length !== content) throw damaged("ZSTD", "a frame is not as long as the seek table says");
}
