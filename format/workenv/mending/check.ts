import { type FileState, stateOf } from "./file-facts.ts";
import type { IndexedFile } from "./stat-index.ts";

/** What has become of the files of a workenv. */
export interface CheckedFiles extends Readonly<Record<Exclude<FileState, "intact">, readonly IndexedFile[]>> {
  /** How many are as they were. */
  readonly intact: number;
}

/** Looks at every file of the stat index. What is not in it, such as what an application added, is nobody's damage. */
export function checkFiles(content: string, files: readonly IndexedFile[]): CheckedFiles {
  const found = {
    missing: [] as IndexedFile[],
    truncated: [] as IndexedFile[],
    changed: [] as IndexedFile[],
  };
  let intact = 0;
  for (const file of files) {
    const [path, size, mtime, mode] = file;
    const state = stateOf(content, [path, size, mtime, mode]);
    if (state === "intact") intact++;
    else found[state].push(file);
  }
  return { ...found, intact };
}
