import type { Replacement } from "../format/io/replacement.ts";
import { ALIGNMENT } from "../format/spec.ts";
import type { SlotInput } from "./slot-input.ts";
import {
  begun,
  giveUp,
  type PlannedSlot,
  planSlot,
  type WriteOptions,
  type WrittenBytes,
  writeSlot,
} from "./write-slot.ts";

/** The offset of what begins at `offset` or, so that it lies as everything in a package does, a little behind. */
export const align = (offset: number): number => Math.ceil(offset / ALIGNMENT) * ALIGNMENT;

/**
 * Writes the stored bytes of all slots from `start` on. All are looked at first: so the first of them that is new is
 * encoded while others are copied from the cache.
 */
export async function writeSlots(
  slots: readonly SlotInput[],
  file: Replacement,
  start: number,
  options: WriteOptions,
): Promise<readonly WrittenBytes[]> {
  const planned: (PlannedSlot | undefined)[] = [];
  const written: WrittenBytes[] = [];
  file.skipTo(start);
  try {
    for (const slot of slots) {
      // Streams may come out of one another: each is read when it is its turn.
      const plan = slot.data.kind === "stream" ? undefined : await planSlot(slot, options);
      const isFirstNew = !planned.some((earlier) => earlier === undefined || isNew(earlier));
      planned.push(plan !== undefined && isFirstNew ? begun(plan) : plan);
    }
    for (const [i, slot] of slots.entries()) {
      file.skipTo(align(file.written));
      written.push(await writeSlot(planned[i] ?? (await planSlot(slot, options)), file, options));
    }
    return written;
  } finally {
    for (const plan of planned.slice(written.length)) if (plan !== undefined) await giveUp(plan);
  }
}

const isNew = ({ found }: PlannedSlot): boolean => found?.cached === undefined;
