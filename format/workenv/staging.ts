import { mkdirSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { doing, errnoOf } from "../io/fs.ts";
import { removeTree } from "../io/remove-tree.ts";
import { storeOf } from "./layout.ts";
import { acquire, endLock, isLocked, tryAcquire } from "./lock.ts";

/** A private folder on the cache's disk. */
export interface Staging extends Disposable {
  readonly path: string;
}

const LOCK = "staging-";
const KEPT = "kept-";

const lockOf = (cache: string, name: string): string => join(storeOf(cache).locks, `${LOCK}${name}`);

/**
 * A folder to build in, gone when its scope ends unless it was renamed away. What a killed process leaves is known by
 * its lock, which nobody holds any more; neither age nor process ids are asked. "keep" renames what a failed attempt
 * left, so that no start sweeps it.
 */
export async function openStaging(cache: string, leftovers: "remove" | "keep"): Promise<Staging> {
  const name = crypto.randomUUID();
  const { staging } = storeOf(cache);
  const path = join(staging, name);
  const lock = await acquire(lockOf(cache, name), () => {}); // before the folder: no folder is without an owner
  const close = () => endLock(lockOf(cache, name), lock);
  try {
    doing("create", path, () => mkdirSync(path, { mode: 0o700 }));
  } catch (error) {
    close();
    throw error;
  }
  return {
    path,
    [Symbol.dispose]() {
      try {
        if (leftovers === "keep") keep(path, join(staging, `${KEPT}${name}`));
        else removeTree(path);
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

/** What has no owner any more, each with a path of its own: of killed processes, and what was kept for a look. */
export async function abandonedStaging(cache: string): Promise<readonly string[]> {
  const { staging } = storeOf(cache);
  const free: string[] = [];
  for (const name of namesIn(staging)) if (!(await isLocked(lockOf(cache, name)))) free.push(name);
  return free.map((name) => join(staging, name));
}

/**
 * Removes what killed processes have left: staging folders whose lock is free, those locks, and what was on its way
 * out. What resists stays: it must not stop a start.
 */
export async function sweepLeftovers(cache: string): Promise<void> {
  const { staging, locks, trash } = storeOf(cache);
  const owned = namesIn(locks).flatMap((name) => /^staging-([-0-9a-f]{36})/.exec(name)?.[1] ?? []);
  const folders = namesIn(staging).filter((name) => !name.startsWith(KEPT));
  for (const name of new Set([...folders, ...owned])) {
    const path = lockOf(cache, name);
    const lock = await tryAcquire(path).catch(() => undefined);
    if (lock === undefined) continue;
    tryRemove(join(staging, name));
    endLock(path, lock);
  }
  for (const name of namesIn(trash)) tryRemove(join(trash, name));
}

function tryRemove(path: string): void {
  try {
    removeTree(path);
  } catch {
    // "flavor workenv clean" says why.
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
