import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { doing, errnoOf, ioError } from "../io/fs.ts";
import { removeTree } from "../io/remove-tree.ts";
import { storeOf } from "./layout.ts";
import { acquire, tryAcquire } from "./lock.ts";

/** A private folder on the cache's disk. */
export interface Staging extends Disposable {
  readonly path: string;
}

const LOCK = "staging-";
const lockOf = (cache: string, name: string): string => join(storeOf(cache).locks, `${LOCK}${name}`);

/**
 * A folder to build in, gone when its scope ends unless it was renamed away. What a killed process leaves is known by
 * its lock, which nobody holds any more; neither age nor process ids are asked. "keep" renames what a failed attempt
 * left, so that nobody sweeps it.
 */
export async function openStaging(cache: string, leftovers: "remove" | "keep"): Promise<Staging> {
  await sweepStaging(cache);
  const name = crypto.randomUUID();
  const { staging } = storeOf(cache);
  const path = join(staging, name);
  const lock = await acquire(lockOf(cache, name), () => {});
  globalThis.failPoint?.("staging-locked");
  doing("create", path, () => mkdirSync(path, { mode: 0o700 }));
  globalThis.failPoint?.("staging-opened");
  return {
    path,
    [Symbol.dispose]() {
      if (leftovers === "keep") keep(path, join(staging, `${KEPT}${name}`));
      else removeTree(path);
      rmSync(lockOf(cache, name), { force: true });
      lock[Symbol.dispose]();
    },
  };
}

const KEPT = "kept-";

function keep(path: string, kept: string): void {
  try {
    renameSync(path, kept);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error; // published
  }
}

/** Removes what killed processes have left, also locks alone: their folders were not made yet, or renamed away. */
export async function sweepStaging(cache: string): Promise<void> {
  const { staging, locks } = storeOf(cache);
  const owners = namesIn(locks).flatMap((name) => (name.startsWith(LOCK) ? name.slice(LOCK.length) : []));
  for (const name of new Set([...namesIn(staging), ...owners])) {
    if (name.startsWith(KEPT)) continue;
    using lock = await tryAcquire(lockOf(cache, name));
    if (lock === undefined) continue;
    removeTree(join(staging, name));
    globalThis.failPoint?.("staging-swept");
    rmSync(lockOf(cache, name), { force: true });
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw ioError("list", folder, error);
  }
}
