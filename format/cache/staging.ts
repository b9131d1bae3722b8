import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { doing, errnoOf } from "../io/fs.ts";
import { storeOf } from "./layout.ts";
import { KEPT, stagingLockOf, sweepAbandoned, tryRemove } from "./cleaning/leftovers.ts";
import { acquire, endLock } from "./locks/lock.ts";

/** A private folder on the cache's disk. */
export interface Staging extends Disposable {
  readonly path: string;
}

/**
 * A folder to build in, gone when its scope ends unless it was renamed away. What a killed process leaves is known by
 * its lock, which nobody holds any more, and swept here; neither age nor process ids are asked. "keep" renames what a
 * failed attempt left, so that no start sweeps it.
 */
export async function openStaging(cache: string, leftovers: "remove" | "keep"): Promise<Staging> {
  await sweepAbandoned(cache);
  const name = crypto.randomUUID();
  const { staging } = storeOf(cache);
  const path = join(staging, name);
  // Before the folder: none is without an owner.
  const lock = await acquire(stagingLockOf(cache, name), () => {});
  const close = () => endLock(stagingLockOf(cache, name), lock);
  globalThis.failPoint?.("staging-locked");
  try {
    doing("create", path, () => mkdirSync(path, { mode: 0o700 }));
  } catch (error) {
    close();
    throw error;
  }
  globalThis.failPoint?.("staging-opened");
  return {
    path,
    [Symbol.dispose]() {
      try {
        if (leftovers === "keep") keep(path, join(staging, `${KEPT}${name}`));
        // What resists is swept by the next start: that must not hide why the work failed.
        else tryRemove(path);
      } finally {
        close();
      }
    },
  };
}

function keep(path: string, kept: string): void {
  try {
    renameSync(path, kept);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error; // published
  }
}
