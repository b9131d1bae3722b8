import type { ByteSource } from "../../io/byte-source.ts";
import type { Slot } from "../../reader.ts";
import { framesOf, type SlotFrame } from "./slot-frames.ts";
import type { SlotGroup } from "./slot-groups.ts";

/** Work for one thread, which does not meet the work of the others. */
export type UnpackJob =
  /** Slots, one after the other. */
  | { readonly kind: "group"; readonly group: SlotGroup }
  /** One frame of a slot. */
  | { readonly kind: "frame"; readonly slot: Slot; readonly frame: SlotFrame }
  /** The checksum of a slot whose frames are unpacked elsewhere. */
  | { readonly kind: "checksum"; readonly slot: Slot };

/** What there is to do for groups of slots: a slot that is alone in its group and has frames is shared by them. */
export async function jobsOf(
  source: ByteSource,
  groups: readonly SlotGroup[],
): Promise<readonly UnpackJob[]> {
  const jobs = await Promise.all(
    groups.map(async (group): Promise<readonly UnpackJob[]> => {
      const [slot, ...others] = group.slots;
      const frames = slot === undefined || others.length > 0 ? undefined : await framesOf(source, slot);
      if (slot === undefined || frames === undefined) return [{ kind: "group", group }];
      return [
        { kind: "checksum", slot },
        ...frames.map((frame): UnpackJob => ({ kind: "frame", slot, frame })),
      ];
    }),
  );
  return jobs.flat();
}
