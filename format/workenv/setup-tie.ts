import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { WorkenvLayout } from "../cache/layout.ts";
import { makeLockFile, tryShare } from "../cache/locks/flock.ts";
import { acquireSoon, isLocked } from "../cache/locks/lock.ts";
import { LOCKED } from "../command/environment.ts";
import { loadLibc, UNLOCK } from "../io/libc.ts";

// A setup command outlives a launcher that is killed, and what it has started outlives it. They would go on to write into
// the workenv that the next start makes at the same path.

const pathIn = ({ bookkeeping }: WorkenvLayout): string => join(bookkeeping, "instance", "setting-up");

/** What setup commands hold by an open file, until all of them have done their work. */
export interface SetupTie extends Disposable {
  readonly fd: number;
  /** They have: what they left running in the background may stay. */
  cut(): void;
}

/** Undefined where there is no `flock`. */
export function tieSetup(layout: WorkenvLayout): SetupTie | undefined {
  if (!makeLockFile(pathIn(layout))) return undefined;
  const lease = tryShare(pathIn(layout));
  if (typeof lease === "string") return undefined;
  const { fd } = lease;
  return {
    fd,
    cut() {
      // For everybody who has the file.
      loadLibc()?.flock(fd, UNLOCK);
      rmSync(pathIn(layout), { force: true });
    },
    [Symbol.dispose]: () => lease[Symbol.dispose](),
  };
}

/** Ends what a setup that did not come to its end has left running. For who holds the lock for making. */
export async function endOrphans(layout: WorkenvLayout): Promise<void> {
  if (process.platform !== "linux" || !(await isLocked(pathIn(layout)))) return;
  for (const pid of orphansOf(layout))
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  (await acquireSoon(pathIn(layout)))?.[Symbol.dispose]();
}

/** Known by what setup commands of this workenv find in their environment. */
function orphansOf({ id, content }: WorkenvLayout): readonly number[] {
  const marks = [`${LOCKED}=${id}`, `FLAVOR_WORKENV=${content}`];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && marks.every((mark) => variablesOf(pid).includes(mark)));
}

function variablesOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return []; // somebody else's, or it has ended
  }
}
