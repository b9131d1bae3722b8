import type { Bytes } from "../types.ts";

/**
 * The seek table of zstd's seekable format (contrib/seekable_format/zstd_seekable_compression_format.md in zstd): a
 * skippable frame at the end that says how long the frames before it are. Plain decoders pass over it.
 */

/** One frame: its bytes in the stream, and what they decode to. */
export interface FrameSizes {
  readonly compressed: number;
  readonly content: number;
}

const SKIPPABLE_MAGIC = 0x184d2a5e;
const SEEKABLE_MAGIC = 0x8f92eab1;
const HEAD = 8;
const FOOTER = 9;
const ROW = 8;
const ROW_WITH_CHECKSUM = 12;
const HAS_CHECKSUMS = 0x80;
/** Bits of the descriptor that a reader must not find set. */
const RESERVED = 0x7c;
const MAX_U32 = 0xffffffff;
/** "Number_Of_Frames" of the specification's own implementation; 4 MiB a frame makes 512 TiB of it. */
const MAX_FRAMES = 0x8000000;

/** The table as the bytes of its frame; undefined where a size does not fit into 32 bits. */
export function encodeSeekTable(frames: readonly FrameSizes[]): Bytes | undefined {
  const isTooLarge = frames.some(({ compressed, content }) => compressed > MAX_U32 || content > MAX_U32);
  if (isTooLarge || frames.length > MAX_FRAMES) return undefined;
  const bytes = new Uint8Array(HEAD + frames.length * ROW + FOOTER);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, SKIPPABLE_MAGIC, true);
  view.setUint32(4, bytes.length - HEAD, true);
  for (const [i, { compressed, content }] of frames.entries()) {
    view.setUint32(HEAD + i * ROW, compressed, true);
    view.setUint32(HEAD + i * ROW + 4, content, true);
  }
  view.setUint32(bytes.length - FOOTER, frames.length, true);
  view.setUint32(bytes.length - 4, SEEKABLE_MAGIC, true);
  return bytes;
}

/** Bytes at the end of a stream that are enough for `seekTableSize`. */
export const SEEK_FOOTER = FOOTER;

/**
 * How many bytes a table takes at the end of a stream of `size` bytes, by the last nine of them; undefined when no table
 * ends there, or none that could lie in the stream.
 */
export function seekTableSize(footer: Bytes, size: number): number | undefined {
  const view = new DataView(footer.buffer, footer.byteOffset, footer.byteLength);
  if (footer.length !== FOOTER || view.getUint32(5, true) !== SEEKABLE_MAGIC) return undefined;
  const descriptor = view.getUint8(4);
  if ((descriptor & RESERVED) !== 0) return undefined;
  const table = HEAD + view.getUint32(0, true) * rowOf(descriptor) + FOOTER;
  return table <= size ? table : undefined;
}

/**
 * The frames of a stream of `size` bytes, by the bytes of the table at its end. Undefined unless the table is exact: its
 * frames and itself fill the stream.
 */
export function parseSeekTable(table: Bytes, size: number): readonly FrameSizes[] | undefined {
  if (table.length < HEAD + FOOTER || seekTableSize(table.subarray(-FOOTER), size) !== table.length)
    return undefined;
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  if (view.getUint32(0, true) !== SKIPPABLE_MAGIC || view.getUint32(4, true) !== table.length - HEAD)
    return undefined;
  const row = rowOf(view.getUint8(table.length - FOOTER + 4));
  const frames: FrameSizes[] = [];
  let total = table.length;
  for (let at = HEAD; at < table.length - FOOTER; at += row) {
    const frame = { compressed: view.getUint32(at, true), content: view.getUint32(at + 4, true) };
    frames.push(frame);
    total += frame.compressed;
  }
  return total === size ? frames : undefined;
}

const rowOf = (descriptor: number): number => ((descriptor & HAS_CHECKSUMS) === 0 ? ROW : ROW_WITH_CHECKSUM);
