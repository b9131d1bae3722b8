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

/** The jobs of one thread: those from `start` up to `end`. */
export interface JobBlock {
  readonly start: number;
  readonly end: number;
}

/**
 * Blocks of about equal work, one for each thread. Neighbours stay together: they write into the same folders, and two
 * threads that do so wait for each other.
 */
export function blocksOf(jobs: readonly UnpackJob[], threads: number): readonly JobBlock[] {
  const work = jobs.map(workOf);
  const total = work.reduce((sum, size) => sum + size, 0);
  const ends: number[] = [];
  let done = 0;
  for (const [i, size] of work.entries()) {
    done += size;
    if (done >= (total * (ends.length + 1)) / threads && ends.length < threads - 1) ends.push(i + 1);
  }
  while (ends.length < threads) ends.push(jobs.length);
  return ends.map((end, i) => ({ start: ends[i - 1] ?? 0, end }));
}

/** Bytes to unpack; those that are only hashed count less. */
function workOf(job: UnpackJob): number {
  switch (job.kind) {
    case "group":
      return job.group.size;
    case "frame":
      return job.frame.content;
    case "checksum":
      return job.slot.stored.size / 4;
    default:
      return job satisfies never;
  }
}
