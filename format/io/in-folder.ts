import { chmodSync, lstatSync } from "node:fs";

/** Does something with the names in a folder, also in a read-only one of ours; the folder keeps its mode. */
export function inFolder<T>(folder: string, work: () => T): T {
  const mode = lstatSync(folder).mode & 0o7777;
  const isClosed = (mode & 0o300) !== 0o300;
  if (isClosed) chmodSync(folder, mode | 0o300);
  try {
    return work();
  } finally {
    if (isClosed) chmodSync(folder, mode);
  }
}
