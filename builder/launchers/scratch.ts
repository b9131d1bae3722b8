import { mkdirSync, mkdtempSync, readdirSync, rmSync, lstatSync } from "node:fs";
import { join } from "node:path";
import { tryRemove } from "../../format/cache/cleaning/leftovers.ts";
import { doing } from "../../format/io/fs.ts";
import { onEnding } from "../../format/io/ignored-signals.ts";
import { removeTree } from "../../format/io/remove-tree.ts";

/** A folder for unfinished work. `aborted` fires when this process is asked to end. */
export interface Scratch {
  readonly path: string;
  readonly aborted: AbortSignal;
}

const PREFIX = ".flavor-work-";
const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Works in a private folder inside `parent`, which is gone afterwards: after success, failure and the signals that
 * end a process. What a killed process left there is removed a day later.
 */
export async function withScratch<T>(parent: string, work: (scratch: Scratch) => Promise<T>): Promise<T> {
  doing("create the folder", parent, () => mkdirSync(parent, { recursive: true }));
  sweep(parent);
  const path = doing("create a folder in", parent, () => mkdtempSync(join(parent, PREFIX)));
  const controller = new AbortController();
  const remove = () => {
    try {
      rmSync(path, { recursive: true, force: true, maxRetries: 5 });
    } catch {
      removeTree(path); // folders in it may be read-only
    }
  };
  const stopListening = onEnding(() => {
    controller.abort();
    tryRemove(path);
  });
  try {
    return await work({ path, aborted: controller.signal });
  } finally {
    stopListening();
    remove();
  }
}

/** What resists must not stop anybody: in a folder that many use, it may be somebody else's. */
function sweep(parent: string): void {
  for (const name of readdirSync(parent).filter((entry) => entry.startsWith(PREFIX))) {
    const path = join(parent, name);
    const age =
      Date.now() - (lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY);
    if (age > DAY_MS) tryRemove(path);
  }
}
