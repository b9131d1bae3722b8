import { lstatSync, readdirSync, type Stats } from "node:fs";
import { join } from "node:path";

/** What trees take on the disk. */
export interface Measure {
  /** Bytes of the blocks that are in use; what has several names counts once. */
  readonly size: number;
  /** Everything but folders, by name. */
  readonly files: number;
}

/** What trees take on the disk, apart from what they may have in common with others. */
export interface Weight {
  /** Bytes of what has one name only. */
  readonly own: number;
  /** Bytes of each file that has several names, by its identity: any of them may be in another tree. */
  readonly linked: ReadonlyMap<string, number>;
  readonly files: number;
}

/** Weighs trees together. Links are not followed; what vanishes or cannot be read meanwhile is left out. */
export function weigh(...roots: readonly string[]): Weight {
  const linked = new Map<string, number>();
  const waiting = [...roots];
  let own = 0;
  let files = 0;
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const stat = statOf(path);
    if (stat === undefined) continue;
    const bytes = stat.blocks * BLOCK;
    if (stat.isDirectory()) for (const name of namesIn(path)) waiting.push(join(path, name));
    else files++;
    if (stat.nlink > 1 && !stat.isDirectory()) linked.set(`${stat.dev}:${stat.ino}`, bytes);
    else own += bytes;
  }
  return { own, linked, files };
}

/** Measures trees together: see `weigh`. */
export function measure(...roots: readonly string[]): Measure {
  const { own, linked, files } = weigh(...roots);
  return { size: own + sum(linked.values()), files };
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, number) => total + number, 0);

/** POSIX counts `st_blocks` in these, whatever the file system's own blocks are. */
const BLOCK = 512;

/** As `lstat`, and undefined for whatever cannot be looked at. */
export function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

/** The names in a folder; none where it cannot be read. */
export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
