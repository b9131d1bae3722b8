import type { FrameSizes } from "../format/codecs/zstd-seek-table.ts";
import { openSyncDecoder, type SyncDecoder } from "../format/codecs/zstd-sync.ts";
import { openImaginedTree } from "../format/io/imagined-tree.ts";
import { rulesFor } from "../format/io/paths.ts";
import type { TarHeader } from "../format/tar/tar-entry.ts";
import { tarParser } from "../format/tar/tar-parser.ts";
import type { Bytes } from "../format/types.ts";
import { partEnterer } from "../format/verifying/enter-part.ts";
import { placement } from "../format/workenv/unpacking/extract-slot.ts";

/** A frame of an archive that was made in this process. */
export interface MadeFrame extends FrameSizes {
  /** What is in it, if it was seen to decode to what went in, and that to be a part of an archive. */
  readonly entries?: readonly TarHeader[] | undefined;
}

/** For whom an archive is verified. */
export interface Destination {
  /** Where it is unpacked, relative to the workenv. */
  readonly target: string;
  /** The system, by the name that a package calls it. */
  readonly os: string | undefined;
}

/**
 * Verifies an archive in frames while it is made, when its content is still in memory. What is not as it should be is only
 * not vouched for: those who verify the whole package find it again, and report it.
 */
export interface FrameProver {
  /**
   * Decodes a frame, compares every byte with the content that it was made of, and lists the entries as a reader of the
   * archive sees them; undefined where anything is wrong.
   */
  entriesIn(frame: readonly Bytes[], content: Bytes, isLast: boolean): readonly TarHeader[] | undefined;
  /** To be told of the frames in their order: whether all until now can be unpacked, one after the other. */
  isSound(frame: MadeFrame): boolean;
}

export function frameProver({ target, os }: Destination): FrameProver {
  const decoder = openSyncDecoder();
  const enter = partEnterer(openImaginedTree({ rules: rulesFor(os) }), placement(target));
  let isSound = decoder !== undefined;
  return {
    entriesIn(frame, content, isLast) {
      try {
        return decoder !== undefined && decodesTo(decoder, frame, content)
          ? headersIn(content, isLast)
          : undefined;
      } catch {
        return undefined;
      }
    },
    isSound({ entries }) {
      try {
        if (isSound && entries !== undefined) enter(entries);
        else isSound = false;
      } catch {
        isSound = false;
      }
      return isSound;
    },
  };
}

function decodesTo(decoder: SyncDecoder, frame: readonly Bytes[], content: Bytes): boolean {
  let at = 0;
  let isSame = true;
  decoder.begin();
  for (const piece of frame)
    decoder.push(piece, (decoded) => {
      const end = at + decoded.length;
      isSame &&= end <= content.length && Buffer.compare(decoded, content.subarray(at, end)) === 0;
      at = end;
    });
  decoder.end();
  return isSame && at === content.length;
}

function headersIn(content: Bytes, isLast: boolean): readonly TarHeader[] {
  const headers: TarHeader[] = [];
  const visitor = { entry: (header: TarHeader) => void headers.push(header) };
  const parser = tarParser(visitor, { ending: isLast ? "marked" : "open" });
  parser.push(content);
  parser.end();
  return headers;
}
