import { dirname } from "node:path";
import { statOf } from "../cache/cleaning/measure.ts";
import type { WorkenvLayout } from "../cache/layout.ts";
import { removeTree } from "../io/remove-tree.ts";
import { bunRuntimeOf } from "./bun-link.ts";

/**
 * Removes files from where a workenv's bookkeeping has folders, and folders from where it has files, whoever put them
 * there: no file could be written in their places, and no start would get any further. The caller holds the lock for
 * making.
 */
export function tidyBookkeeping({ bookkeeping, index, files, metadata, marker, bun }: WorkenvLayout): void {
  for (const folder of [bookkeeping, dirname(index), dirname(marker), dirname(metadata), bun])
    if (statOf(folder)?.isDirectory() === false) removeTree(folder);
  for (const file of [index, files, metadata, marker, ...Object.values(bunRuntimeOf(bun))])
    removeFolder(file);
}

/** Removes a folder where a file belongs; anything else stays. */
export function removeFolder(path: string): void {
  if (statOf(path)?.isDirectory() === true) removeTree(path);
}
