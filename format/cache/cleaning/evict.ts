import { removeTree } from "../../io/remove-tree.ts";
import type { WorkenvLayout } from "../layout.ts";
import { endLock, isLocked, type Lock, tryAcquire } from "../locks/lock.ts";
import { putAway, retire } from "./retire.ts";

/** Why an entry must stay: a launcher makes it or waits to, or an application runs from it. */
export type Busy = "being made" | "in use";

/**
 * Removes an entry that is not busy; whether it did. Killed at any point, it leaves an entry that no launcher uses and
 * the next removal finds: marker first, then content and bookkeeping by one rename each, the lock files last. `isMeant`
 * is asked under the locks, because the entry may have been made anew since it was listed. Where there are no leases,
 * it is for the caller to leave alone what may be in use.
 */
export async function evict(
  layout: WorkenvLayout,
  isMeant: () => boolean = () => true,
): Promise<"removed" | Busy | "kept"> {
  using making = await tryAcquire(layout.making);
  if (making === undefined) return "being made";
  using lock = await tryAcquire(layout.lock);
  if (lock === undefined) return "in use";
  globalThis.failPoint?.("evict-locked");
  if (!isMeant()) return "kept";
  const graves = [retire(layout), putAway(layout.bookkeeping, layout.cache)];
  globalThis.failPoint?.("evicted-bookkeeping");
  for (const grave of graves) {
    globalThis.failPoint?.("buried");
    if (grave !== undefined) removeTree(grave);
  }
  end(layout.lock, lock);
  end(layout.making, making);
  return "removed";
}

function end(path: string, lock: Lock): void {
  endLock(path, lock);
  globalThis.failPoint?.("evicted-lock");
}

/** Why an entry would stay now, if it would. Leaves nothing on the disk. */
export async function busyWith(layout: WorkenvLayout): Promise<Busy | undefined> {
  if (await isLocked(layout.making)) return "being made";
  return (await isLocked(layout.lock)) ? "in use" : undefined;
}
