import { renameSync } from "node:fs";
import { errnoOf } from "./fs.ts";

/** Milliseconds between attempts, and for all of them together. */
const FIRST_PAUSE = 10;
const LONGEST_PAUSE = 250;
const PATIENCE = 10_000;

/** What Windows says while a virus scanner or an indexer has a file open, or has seen a folder that has just gone. */
const PASSING: ReadonlySet<string | undefined> = new Set(["EPERM", "EACCES", "EBUSY", "ENOTEMPTY"]);

/** What a rename is done with; other than the system's in tests only. */
export interface Renaming {
  readonly rename: (from: string, to: string) => void;
  readonly pause: (milliseconds: number) => void;
  readonly platform: NodeJS.Platform;
}

const SYSTEM: Renaming = { rename: renameSync, pause: Bun.sleepSync, platform: process.platform };

/** Renames a folder; on Windows again and again for ten seconds. Throws the last error of the system. */
export function renamePatiently(
  from: string,
  to: string,
  { rename, pause, platform }: Renaming = SYSTEM,
): void {
  let waited = 0;
  for (let next = FIRST_PAUSE; ; next = Math.min(2 * next, LONGEST_PAUSE)) {
    try {
      return rename(from, to);
    } catch (error) {
      if (platform !== "win32" || !PASSING.has(errnoOf(error)) || waited >= PATIENCE) throw error;
    }
    pause(next);
    waited += next;
  }
}
