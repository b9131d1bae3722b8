import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { doing } from "../io/fs.ts";
import { removeTree } from "../io/remove-tree.ts";
import { storeOf, type WorkenvLayout } from "./layout.ts";
import { tryAcquire } from "./lock.ts";
import { hasLockFile } from "./entries.ts";
import { statOf } from "./measure.ts";

/**
 * Removes an entry, unless another process is making it or an application runs from it; whether it did. Killed at any point, it leaves an entry
 * that no launcher uses and the next removal finds: marker first, then content and bookkeeping by one rename each,
 * the lock file last. `isMeant` is asked under the lock, because the entry may have been made anew since it was
 * listed.
 */
export async function evict(
  layout: WorkenvLayout,
  isMeant: () => boolean = () => true,
): Promise<"removed" | "busy" | "kept"> {
  using making = await tryAcquire(layout.making);
  using lock = making === undefined ? undefined : await tryAcquire(layout.lock);
  if (making === undefined || lock === undefined) return "busy";
  globalThis.failPoint?.("evict-locked");
  if (!isMeant()) return "kept";
  const { trash } = storeOf(layout.cache);
  doing("create", trash, () => mkdirSync(trash, { recursive: true, mode: 0o700 }));
  removeMarker(layout);
  globalThis.failPoint?.("evicted-marker");
  bury(layout.content, trash);
  globalThis.failPoint?.("evicted-content");
  bury(layout.bookkeeping, trash);
  globalThis.failPoint?.("evicted-bookkeeping");
  // Whoever has opened this file and waits for it sees that it is gone, and opens the next one.
  for (const path of [layout.lock, layout.making]) {
    rmSync(path, { force: true });
    globalThis.failPoint?.("evicted-lock");
  }
  return "removed";
}

/** Whatever lies where the marker belongs. */
function removeMarker({ marker }: WorkenvLayout): void {
  // Where a file stands in place of its folder there is none.
  if (statOf(dirname(marker))?.isDirectory() === true) removeTree(marker);
}

/** Takes something away by one rename, then deletes it. */
function bury(path: string, trash: string): void {
  const stat = statOf(path);
  if (stat === undefined) return;
  const grave = join(trash, crypto.randomUUID());
  doing("remove", path, () => {
    // A folder that is not writable cannot get another parent.
    if (stat.isDirectory()) chmodSync(path, 0o700);
    renameSync(path, grave);
    globalThis.failPoint?.("buried");
    removeTree(grave);
  });
}

/** Whether another process makes or uses an entry now. Leaves nothing on the disk. */
export async function isBusy(layout: WorkenvLayout): Promise<boolean> {
  if (!hasLockFile(layout)) return false;
  using making = await tryAcquire(layout.making);
  using lock = await tryAcquire(layout.lock);
  return making === undefined || lock === undefined;
}

/** What removals that were interrupted have left, each with a path of its own. */
export function trashOf(cache: string): readonly string[] {
  const { trash } = storeOf(cache);
  if (statOf(trash)?.isDirectory() !== true) return [];
  return doing("list", trash, () => readdirSync(trash)).map((name) => join(trash, name));
}
