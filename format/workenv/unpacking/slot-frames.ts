import { isArchive, isFramed, splitChain } from "../../codecs/chain.ts";
import { type FrameSizes, parseSeekTable, SEEK_FOOTER, seekTableSize } from "../../codecs/zstd-seek-table.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import type { Slot } from "../../reader.ts";
import { mayBegin } from "../../tar/archive-part.ts";

/** A zstd frame of a slot. */
export interface FramePlace {
  /** Of the compressed bytes, in the package. */
  readonly offset: number;
  readonly size: number;
  /** How many bytes it decodes to, if it is what the seek table says. */
  readonly content: number;
}

/**
 * What of a slot's content can be unpacked without the rest: of an archive a frame, or several for a long entry; a file as a
 * whole.
 */
export interface SlotFrame extends FramePlace {
  /** The content ends here. */
  readonly isLast: boolean;
  /** The frames, one behind the other. */
  readonly pieces: readonly FramePlace[];
}

/**
 * Most frames that threads are told of: half a terabyte by our builder. Each of them gets a copy of all, and tables may have
 * millions that hold nothing.
 */
const MOST_FRAMES = 128 * 1024;
const MAX_TABLE = 12 * MOST_FRAMES;

/** The frames of those slots that have any, but for slots with which they would be too many. */
export async function framesOfSlots(
  source: ByteSource,
  slots: readonly Slot[],
): Promise<ReadonlyMap<Slot, readonly SlotFrame[]>> {
  const found = new Map<Slot, readonly SlotFrame[]>();
  let left = MOST_FRAMES;
  for (const slot of slots) {
    const frames = await framesOf(source, slot);
    const count = frames?.reduce((sum, { pieces }) => sum + pieces.length, 0) ?? 0;
    if (frames === undefined || count > left) continue;
    found.set(slot, frames);
    left -= count;
  }
  return found;
}

/**
 * The frames of a slot that was packed in frames; undefined for every other slot, and where the table does not say exactly
 * what was signed. The table itself is only as good as the slot's bytes, which are still to be checked.
 */
export async function framesOf(source: ByteSource, slot: Slot): Promise<readonly SlotFrame[] | undefined> {
  const { stored, entry } = slot;
  const isKnown = isFramed(splitChain(entry.operations)) && entry.originalSize !== undefined;
  if (!isKnown || stored.size < SEEK_FOOTER) return undefined;
  const end = stored.offset + stored.size;
  const size = seekTableSize(await source.read(end - SEEK_FOOTER, SEEK_FOOTER), stored.size);
  if (size === undefined || size > MAX_TABLE) return undefined;
  const sizes = parseSeekTable(await source.read(end - size, size), stored.size);
  // Without any, nobody would notice that it is no archive.
  if (sizes === undefined || sizes.length === 0) return undefined;
  const runs = isArchive(entry.operations) ? runsOf(sizes) : [sizes];
  const frames = framesAt(stored.offset, runs);
  const total = frames.reduce((sum, { content }) => sum + content, 0);
  return total === entry.originalSize ? frames : undefined;
}

/** Frames of these sizes, from an offset on. */
export function framesAt(start: number, runs: readonly (readonly FrameSizes[])[]): readonly SlotFrame[] {
  let end = start;
  return runs.map((run, i) => {
    const offset = end;
    const pieces = run.map(({ compressed, content }): FramePlace => {
      const piece = { offset: end, size: compressed, content };
      end += compressed;
      return piece;
    });
    const content = pieces.reduce((sum, piece) => sum + piece.content, 0);
    return { offset, size: end - offset, content, isLast: i === runs.length - 1, pieces };
  });
}

/** Frames of an archive in runs of which each begins where an entry may begin: the others belong to the one before. */
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
