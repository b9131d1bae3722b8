import { zstdDecompressSync } from "node:zlib";
import { fromBytes } from "../codecs/streams.ts";
import { zstd } from "../codecs/zstd.ts";
import { wholeFrames } from "../codecs/zstd-frames.ts";
import { type ByteSource, streamRange } from "../io/byte-source.ts";
import type { TarHeader } from "../tar/tar-entry.ts";
import { tarParser } from "../tar/tar-parser.ts";
import type { Bytes, ByteStream } from "../types.ts";
import type { SlotFrame } from "../workenv/unpacking/slot-frames.ts";
import { type EntryList, listEntries } from "./entry-list.ts";

/**
 * Lists what the archives in frames hold. Throws for everything that could be wrong with a frame, and for what could mean
 * something else in the whole archive.
 */
export function frameLister(source: ByteSource): (frame: SlotFrame) => Promise<EntryList> {
  let memory: Bytes = new Uint8Array(0);

  async function* contentOf({ offset, size, content }: SlotFrame): ByteStream {
    if (content > AT_ONCE || size > AT_ONCE)
      return yield* zstd.decode(streamRange(source, offset, size, "passing"));
    if (memory.length < size) memory = new Uint8Array(size);
    const stored = await source.read(offset, size, memory.subarray(0, size));
    yield* wholeFrames(fromBytes(stored, size), (frames) => decodeAtOnce(frames, content));
  }

  return async (frame) => {
    const headers: TarHeader[] = [];
    const visitor = {
      entry(header: TarHeader) {
        headers.push(header);
        return undefined;
      },
    };
    const parser = tarParser(visitor, { ending: frame.isLast ? "marked" : "open" });
    let size = 0;
    for await (const piece of contentOf(frame)) {
      size += piece.length;
      parser.push(piece);
    }
    parser.end();
    if (size !== frame.content) throw new Error("a frame is not as long as the seek table says");
    return listEntries(headers);
  };
}

/** Frames up to this size are decoded at once; our builder makes larger ones for single large files only. */
const AT_ONCE = 16 * 1024 * 1024;

/** Frames that become `content` bytes together, each in memory that is gone when the next piece is asked for. */
async function* decodeAtOnce(frames: ByteStream, content: number): ByteStream {
  const limits = { maxOutputLength: Math.max(1, content), chunkSize: Math.max(64, content) };
  for await (const frame of frames) {
    const { buffer, byteOffset, length } = zstdDecompressSync(frame, limits);
    yield new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
    // Freed at once: until the collector comes, each frame would need fresh memory. Small ones may be parts of others.
    if (buffer.byteLength >= OWN_MEMORY) (buffer as ArrayBuffer).transfer(0);
  }
}

const OWN_MEMORY = 256 * 1024;
