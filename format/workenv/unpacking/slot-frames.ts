import { parseSeekTable, SEEK_FOOTER, seekTableSize } from "../../codecs/zstd-seek-table.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import type { Slot } from "../../reader.ts";

/** A part of a slot's archive that can be unpacked without the others. */
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
  let offset: number = stored.offset;
  const frames = sizes.map(({ compressed, content }, i): SlotFrame => {
    const frame = { offset, size: compressed, content, isLast: i === sizes.length - 1 };
    offset += compressed;
    return frame;
  });
  const total = frames.reduce((sum, { content }) => sum + content, 0);
  // Without any, nobody would notice that it is no archive.
  return frames.length > 0 && total === entry.originalSize ? frames : undefined;
}
