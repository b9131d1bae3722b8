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

/** Where slots go. */
export interface SlotPlace {
  readonly start: number;
  /** Nothing is written before this has come to an end. */
  readonly after: Promise<void>;
}

/**
 * Writes the stored bytes of all slots from `start` on. Others are looked at while the first one is written: the first of
 * them that is new is encoded meanwhile.
 */
export async function writeSlots(
  slots: readonly SlotInput[],
  file: Replacement,
  { start, after }: SlotPlace,
  options: WriteOptions,
): Promise<readonly WrittenBytes[]> {
  let begunNow = -1;
  const onBegun = (i: number) => {
    begunNow = i;
  };
  const plans = planInTurn(slots, options, onBegun);
  const written: WrittenBytes[] = [];
  try {
    await after;
    file.skipTo(start);
    for (const [i, slot] of slots.entries()) {
      file.skipTo(align(file.written));
      const plan = (await plans[i]) ?? (await planSlot(slot, options));
      written.push(await writeSlot(plan, file, options, i < begunNow ? "this thread" : "idle threads"));
    }
    return written;
  } finally {
    for (const plan of await Promise.allSettled(plans.slice(written.length)))
      if (plan.status === "fulfilled" && plan.value !== undefined) await giveUp(plan.value);
  }
}

/** One plan after the other. Streams have none, since they may come out of one another: each is read when it is its turn. */
function planInTurn(
  slots: readonly SlotInput[],
  options: WriteOptions,
  onBegun: (i: number) => void,
): readonly Promise<PlannedSlot | undefined>[] {
  let isNewBefore = false;
  let before: Promise<unknown> = Promise.resolve();
  return slots.map((slot, i) => {
    const plan = before.then(async () => {
      if (i > 0) await new Promise((resume) => setImmediate(resume));
      const found = slot.data.kind === "stream" ? undefined : await planSlot(slot, options);
      const isFirstNew = found !== undefined && isNew(found) && !isNewBefore;
      isNewBefore ||= found === undefined || isNew(found);
      if (isFirstNew) onBegun(i);
      return isFirstNew ? begun(found) : found;
    });
    plan.catch(() => {}); // it is asked for later
    before = plan;
    return plan;
  });
}

const isNew = ({ found }: PlannedSlot): boolean => found?.cached === undefined;
