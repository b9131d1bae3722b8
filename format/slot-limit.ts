import { PspfError } from "./errors.ts";
import type { Slot } from "./reader.ts";
import type { ByteStream } from "./types.ts";

/** Where no size was signed, content has at most this many times the stored bytes... */
const RATIO = 250;
/** ...and its share of so many bytes, which all such slots of a package have together. */
const SHARED = 1024 * 1024 * 1024;

/** Most bytes that the content of a slot may have for which its builder has signed no `original_size`. */
export const limitFor = (storedSize: number, sharers: number): number =>
  RATIO * storedSize + Math.floor(SHARED / Math.max(1, sharers));

/** Most bytes that the content of a slot may have. */
export const limitOf = ({ entry, limit }: Slot): number => entry.originalSize ?? limit;

/** Bytes that slots unpack to, as it was signed; undefined where it was not for one of them. */
export const contentSizeOf = (slots: readonly Pick<Slot, "entry">[]): number | undefined =>
  slots.reduce<number | undefined>(
    (sum, { entry }) =>
      sum === undefined || entry.originalSize === undefined ? undefined : sum + entry.originalSize,
    0,
  );

/**
 * A slot's content, which ends with `archive-invalid` at the first byte beyond what was signed, or beyond the limit
 * where nothing was, and when it is shorter than what was signed.
 */
export async function* withinLimit(content: ByteStream, slot: Slot): ByteStream {
  const limit = limitOf(slot);
  const { index, id, originalSize } = slot.entry;
  const refuse = (state: string) =>
    new PspfError("archive-invalid", `Cannot unpack slot ${index} (${id}): ${state}`);
  let count = 0;
  for await (const piece of content) {
    count += piece.length;
    if (count > limit && originalSize === undefined)
      throw refuse(`it grows beyond ${limit} bytes, and no size of it was signed`);
    if (count > limit) throw refuse(`it does not have the ${limit} bytes that were signed`);
    yield piece;
  }
  if (originalSize !== undefined && count !== originalSize)
    throw refuse(`it does not have the ${originalSize} bytes that were signed`);
}
