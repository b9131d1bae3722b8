import { mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../format/cache/location.ts";
import { acquire, canSee, endLock, type Lock, tryAcquire } from "../format/cache/locks/lock.ts";
import { busyWith } from "../format/cache/cleaning/evict.ts";
import { tryRemove } from "../format/cache/cleaning/leftovers.ts";
import { entriesOf } from "../format/cache/entries.ts";
import { namesIn, statOf } from "../format/cache/cleaning/measure.ts";
import { PspfError } from "../format/errors.ts";
import { doing } from "../format/io/fs.ts";
import { removeTree } from "../format/io/remove-tree.ts";
import type { Invocation } from "./invocation.ts";

/** A folder for the workenv of one start: gone, with all that is in it, when its scope ends. */
export interface PrivateCache extends Disposable {
  readonly path: string;
}

const MINUTE = 60 * 1000;

/**
 * Makes a folder below the temporary one that only its user can enter, and removes those of launchers that were killed:
 * nobody holds their locks any more. Throws `no-workenv-location` where there is no temporary folder, and `io-failed`.
 */
export async function openPrivateCache({ env, uid, host }: Invocation): Promise<PrivateCache> {
  const temporary = temporaryFolder(env, host.os === "windows");
  if (temporary === undefined)
    throw new PspfError(
      "no-workenv-location",
      "Cannot find a place to unpack to: there is no temporary folder",
      {
        hint: "set TEMP to a folder of yours",
      },
    );
  const prefix = `flavor-${uid === undefined ? "" : `${uid}-`}once-`;
  await sweep(temporary, prefix, uid);
  const folder = doing("create a folder in", temporary, () => mkdtempSync(join(temporary, prefix)));
  const path = cacheIn(folder);
  try {
    const lock = await acquire(lockOf(folder), () => {});
    doing("create", path, () => mkdirSync(path, { mode: 0o700 }));
    let isOpen = true;
    return {
      path,
      [Symbol.dispose]() {
        if (!isOpen) return;
        isOpen = false;
        remove(folder, lock);
      },
    };
  } catch (error) {
    tryRemove(folder);
    throw error;
  }
}

/** Removes a folder for who has its lock, which ends however that goes. */
function remove(folder: string, lock: Lock): void {
  try {
    removeTree(cacheIn(folder));
  } finally {
    // Whoever finds the folder without its lock leaves it alone: it has just been changed.
    endLock(lockOf(folder), lock);
  }
  removeTree(folder);
}

/** An application may outlive its launcher: then it alone has the lease. */
async function isInUse(folder: string): Promise<boolean> {
  for (const layout of entriesOf(cacheIn(folder))) if ((await busyWith(layout)) !== undefined) return true;
  return false;
}

const cacheIn = (folder: string): string => join(folder, "workenv");
const lockOf = (folder: string): string => join(folder, "lock");

async function sweep(temporary: string, prefix: string, uid: number | undefined): Promise<void> {
  for (const name of namesIn(temporary)) {
    if (!name.startsWith(prefix)) continue;
    const folder = join(temporary, name);
    const stat = statOf(folder);
    const isOurs = stat?.isDirectory() === true && (uid === undefined || stat.uid === uid);
    // A young one may not have its lock yet.
    if (!isOurs || Date.now() - stat.mtimeMs < MINUTE) continue;
    try {
      if (!canSee(lockOf(folder))) continue;
      using lock = await tryAcquire(lockOf(folder));
      if (lock !== undefined && !(await isInUse(folder))) remove(folder, lock);
    } catch {
      // The next start tries again.
    }
  }
}
