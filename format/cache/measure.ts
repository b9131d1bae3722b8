import { lstatSync, readdirSync, type Stats } from "node:fs";
import { join } from "node:path";

/** What trees take on the disk. */
export interface Measure {
  /** Bytes of the blocks that are in use; what has several names counts once. */
  readonly size: number;
  /** Everything but folders, by name. */
  readonly files: number;
}

/** Measures trees together. Links are not followed; what vanishes or cannot be read meanwhile is left out. */
export function measure(...roots: readonly string[]): Measure {
  const linked = new Set<string>();
  const waiting = [...roots];
  let size = 0;
  let files = 0;
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const stat = statOf(path);
    if (stat === undefined) continue;
    if (stat.isDirectory()) for (const name of namesIn(path)) waiting.push(join(path, name));
    else files++;
    if (stat.nlink > 1 && !stat.isDirectory()) {
      const inode = `${stat.dev}:${stat.ino}`;
      if (linked.has(inode)) continue;
      linked.add(inode);
    }
    size += stat.blocks * BLOCK;
  }
  return { size, files };
}

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

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
