import { openSyncDecoder } from "../codecs/zstd-sync.ts";
import type { ByteSource } from "../io/byte-source.ts";
import type { TarHeader } from "../tar/tar-entry.ts";
import { tarParser } from "../tar/tar-parser.ts";
import { decodeFrame } from "../workenv/unpacking/decode-frame.ts";
import type { SlotFrame } from "../workenv/unpacking/slot-frames.ts";

const READ = 256 * 1024;

/**
 * Tells what the archives in frames hold. Throws for everything that could be wrong with a frame, and for what could mean
 * something else in the whole archive.
 */
export function frameReader(source: ByteSource): (frame: SlotFrame) => Promise<readonly TarHeader[]> {
  const decoder = openSyncDecoder();
  const memory = new Uint8Array(READ);
  return async (frame) => {
    if (decoder === undefined) throw new Error("this runtime has no decoder for threads");
    const headers: TarHeader[] = [];
    const visitor = {
      entry(header: TarHeader) {
        headers.push(header);
        return undefined;
      },
    };
    const parser = tarParser(visitor, { ending: frame.isLast ? "marked" : "open" });
    await decodeFrame(source, frame, { decoder, memory }, parser.push);
    parser.end();
    return headers;
  };
}
