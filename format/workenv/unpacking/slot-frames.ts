import { type FrameSizes, parseSeekTable, SEEK_FOOTER, seekTableSize } from "../../codecs/zstd-seek-table.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import type { Slot } from "../../reader.ts";
import { mayBegin } from "../../tar/archive-part.ts";

/** A part of a slot's archive that can be unpacked without the others: a frame, or several for a long entry. */
export interface SlotFrame {
  /** Of the compressed bytes, in the package. */
  readonly offset: number;
  readonly size: number;
  /** How many bytes it decodes to, if it is what the seek table says. */
  readonly content: number;
  /** The archive ends here. */
  readonly isLast: boolean;
}

const MAX_TABLE = 16 * 1024 * 1024;

/**
 * The frames of a slot that was packed as an archive in frames; undefined for every other slot, and where the table does
 * not say exactly what was signed. The table itself is only as good as the slot's bytes, which are still to be checked.
 */
export async function framesOf(source: ByteSource, slot: Slot): Promise<readonly SlotFrame[] | undefined> {
  const { stored, entry } = slot;
  const isFramed =
    entry.operations.length === 2 && entry.operations[0] === "TAR" && entry.operations[1] === "ZSTD";
  if (!isFramed || entry.originalSize === undefined || stored.size < SEEK_FOOTER) return undefined;
  const end = stored.offset + stored.size;
  const size = seekTableSize(await source.read(end - SEEK_FOOTER, SEEK_FOOTER), stored.size);
  if (size === undefined || size > MAX_TABLE) return undefined;
  const sizes = parseSeekTable(await source.read(end - size, size), stored.size);
  if (sizes === undefined) return undefined;
  const frames = framesAt(stored.offset, sizes);
  const total = frames.reduce((sum, { content }) => sum + content, 0);
  // Without any, nobody would notice that it is no archive.
  return frames.length > 0 && total === entry.originalSize ? frames : undefined;
}

/** The parts of an archive that are made of frames of these sizes, from an offset on. */
export function framesAt(start: number, sizes: readonly FrameSizes[]): readonly SlotFrame[] {
  let offset = start;
  const runs = runsOf(sizes);
  return runs.map((run, i) => {
    const frame = { offset, ...sumOf(run), isLast: i === runs.length - 1 };
    offset += frame.size;
    return frame;
  });
}

/** Frames in runs of which each begins where an entry may begin: the others belong to the one before. */
export function runsOf<T extends FrameSizes>(frames: readonly T[]): readonly (readonly T[])[] {
  const runs: T[][] = [];
  let offset = 0;
  for (const frame of frames) {
    if (mayBegin(offset)) runs.push([frame]);
    else runs.at(-1)?.push(frame);
    offset += frame.content;
  }
  return runs;
}

/** Bytes of frames together, in the package and decoded. */
export function sumOf(frames: readonly FrameSizes[]): Pick<SlotFrame, "size" | "content"> {
  let [size, content] = [0, 0];
  for (const frame of frames) {
    size += frame.compressed;
    content += frame.content;
  }
  return { size, content };
}
