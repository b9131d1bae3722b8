import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { removeTree } from "../../io/remove-tree.ts";
import { FRESH } from "../locks/flock.ts";
import { layoutOf, storeOf } from "../layout.ts";
import { canSee, endLock, isLocked, tryAcquire } from "../locks/lock.ts";
import { statOf } from "./measure.ts";

/** Begins the name of a staging folder that was kept on request. */
export const KEPT = "kept-";
const STAGING_LOCK = /^staging-([-0-9a-f]{36})/;
const ENTRY_LOCK = /^((?:make|env)-([0-9a-f]{16}))(?:\.sqlite)?$/;

/** The lock that the owner of a staging folder holds. */
export const stagingLockOf = (cache: string, name: string): string =>
  join(storeOf(cache).locks, `staging-${name}`);

/** Staging folders of processes that were killed, each with a path of its own. */
export async function abandonedStaging(cache: string): Promise<readonly string[]> {
  const { staging } = storeOf(cache);
  const free: string[] = [];
  for (const name of namesIn(staging))
    if (!name.startsWith(KEPT) && (await isFree(stagingLockOf(cache, name)))) free.push(name);
  return free.map((name) => join(staging, name));
}

/** What was kept for a look: only who asks for it removes that. */
export function keptStaging(cache: string): readonly string[] {
  const { staging } = storeOf(cache);
  const kept = namesIn(staging).filter((name) => name.startsWith(KEPT));
  return kept.map((name) => join(staging, name));
}

async function isFree(lock: string): Promise<boolean> {
  try {
    return canSee(lock) && !(await isLocked(lock));
  } catch {
    return false;
  }
}

/**
 * Removes what killed processes have left: staging folders whose lock is free, those locks, and what was on its way
 * out. What was kept for a look stays. Never throws: what resists must not stop a start, and `flavor workenv clean` says
 * why it does.
 */
export async function sweepAbandoned(cache: string): Promise<void> {
  const { staging, locks, trash } = storeOf(cache);
  const owned = namesIn(locks).flatMap((name) => STAGING_LOCK.exec(name)?.[1] ?? []);
  const folders = namesIn(staging).filter((name) => !name.startsWith(KEPT));
  for (const name of new Set([...folders, ...owned])) {
    await ending(stagingLockOf(cache, name), () => {
      tryRemove(join(staging, name));
      globalThis.failPoint?.("staging-swept");
    });
  }
  for (const name of namesIn(trash)) tryRemove(join(trash, name));
}

/**
 * Removes the lock files of entries that are gone, and what killed processes left of attempts at locks. Never throws.
 * For cleaning only: a start has no time to look at the locks of others.
 */
export async function sweepLocks(cache: string): Promise<void> {
  const { locks } = storeOf(cache);
  const names = namesIn(locks);
  for (const name of names) if (isStaleAttempt(join(locks, name), name)) tryRemove(join(locks, name));
  const ofEntries = names.flatMap((name) => {
    const [, lock, id] = ENTRY_LOCK.exec(name) ?? [];
    return lock === undefined || id === undefined || isEntry(cache, id) ? [] : lock;
  });
  for (const lock of new Set(ofEntries)) await ending(join(locks, lock), () => {});
}

const isEntry = (cache: string, id: string): boolean => {
  const { content, bookkeeping } = layoutOf(cache, id);
  return existsSync(content) || existsSync(bookkeeping);
};

const DAY = 24 * 60 * 60 * 1000;

const isStaleAttempt = (path: string, name: string): boolean =>
  (name.startsWith(FRESH) || name.includes(".held.owner-")) &&
  Date.now() - (statOf(path)?.mtimeMs ?? Date.now()) > DAY;

/** Does something that cannot fail under a lock that is free, and ends that lock with its files. Never throws. */
async function ending(path: string, work: () => void): Promise<void> {
  try {
    const lock = canSee(path) ? await tryAcquire(path) : undefined;
    if (lock === undefined) return;
    work();
    endLock(path, lock);
  } catch {
    // A lock that cannot be had is left to others.
  }
}

/** Removes a tree that nobody needs. Never throws: what resists is left to the next cleaning. */
export function tryRemove(path: string): void {
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
