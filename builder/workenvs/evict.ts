import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { doing } from "../../format/io/fs.ts";
import { removeTree } from "../../format/io/remove-tree.ts";
import { storeOf, type WorkenvLayout } from "../../format/workenv/layout.ts";
import { isLocked, tryAcquire } from "../../format/workenv/lock.ts";
import { statOf } from "./measure.ts";

/** Why an entry must stay: a launcher makes it or waits to, or an application runs from it. */
export type Busy = "being made" | "in use";

/**
 * Removes an entry, unless another process is making it or an application runs from it; whether it did. Killed at any
 * point, it leaves an entry that no launcher uses and the next removal finds: marker first, then content and
 * bookkeeping by one rename each, the lock files last. `isMeant` is asked under the locks, because the entry may have
 * been made anew since it was listed.
 */
export async function evict(
  layout: WorkenvLayout,
  isMeant: () => boolean = () => true,
): Promise<"removed" | Busy | "kept"> {
  using making = await tryAcquire(layout.making);
  if (making === undefined) return "being made";
  using lock = await tryAcquire(layout.lock);
  if (lock === undefined) return "in use";
  if (!isMeant()) return "kept";
  const { trash } = storeOf(layout.cache);
  doing("create", trash, () => mkdirSync(trash, { recursive: true, mode: 0o700 }));
  removeMarker(layout);
  bury(layout.content, trash);
  bury(layout.bookkeeping, trash);
  // Whoever has opened this file and waits for it sees that it is gone, and opens the next one.
  for (const path of [layout.lock, layout.making]) rmSync(path, { force: true });
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
    removeTree(grave);
  });
}

/** What another process does with an entry now, if anything. Leaves nothing on the disk. */
export async function busyWith(layout: WorkenvLayout): Promise<Busy | undefined> {
  if (await isLocked(layout.making)) return "being made";
  return (await isLocked(layout.lock)) ? "in use" : undefined;
}

/** What removals that were interrupted have left, each with a path of its own. */
export function trashOf(cache: string): readonly string[] {
  const { trash } = storeOf(cache);
  if (statOf(trash)?.isDirectory() !== true) return [];
  return doing("list", trash, () => readdirSync(trash)).map((name) => join(trash, name));
}
