import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DAY } from "./budget.ts";
import { storeOf } from "../layout.ts";
import { endLock, tryAcquire } from "../locks/lock.ts";
import { statOf } from "./measure.ts";

/** Its time is when the cache was last cleaned by itself. */
export const stampOf = (cache: string): string => join(dirname(storeOf(cache).locks), "cleaned");

const lockOf = (cache: string): string => join(storeOf(cache).locks, "clean");

/**
 * Whether it is the caller's turn to clean a cache: a day after the last time, and one caller only. A cache that was
 * never cleaned is taken for a new one, whose first turn comes in a day.
 */
export async function takeTurn(cache: string): Promise<boolean> {
  if (!isDue(cache)) return false;
  return await withTurn(cache, async () => {
    // Whoever had the lock before may have taken the turn.
    if (!isDue(cache)) return false;
    const isFirst = statOf(stampOf(cache)) === undefined;
    writeFileSync(stampOf(cache), `${new Date().toISOString()}\n`, { mode: 0o600 });
    return !isFirst;
  });
}

/** Does something that one process does at a time for a cache; false when another one does it now. */
export async function withTurn(cache: string, work: () => Promise<boolean>): Promise<boolean> {
  const lock = await tryAcquire(lockOf(cache));
  if (lock === undefined) return false;
  try {
    return await work();
  } finally {
    endLock(lockOf(cache), lock);
  }
}

/** A time in the future says nothing: clocks are put right. */
function isDue(cache: string): boolean {
  const last = statOf(stampOf(cache))?.mtimeMs;
  return last === undefined || Math.abs(Date.now() - last) >= DAY;
}
