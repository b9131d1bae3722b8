import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import { doing } from "./fs.ts";
import { inFolder } from "./in-folder.ts";
import { PspfError } from "../errors.ts";

/**
 * Moves what is below one folder to below another one on the same disk, each file and each whole new folder by one
 * rename; what has the same name is replaced. Open files of others stay what they are. Throws `io-failed` where a file
 * and a folder have the same name.
 */
export function graft(from: string, into: string): void {
  for (const name of doing("list", from, () => readdirSync(from))) place(join(from, name), join(into, name));
}

function place(source: string, target: string): void {
  const stats = lstatSync(source);
  const there = lstatSync(target, { throwIfNoEntry: false });
  if (there === undefined || (!there.isDirectory() && !stats.isDirectory())) move(source, stats, target);
  else if (there.isDirectory() && stats.isDirectory()) graft(source, target);
  else
    throw new PspfError(
      "io-failed",
      `Cannot put a ${kindOf(stats)} at ${target}: a ${kindOf(there)} is there`,
    );
}

const kindOf = (stats: Stats): string => (stats.isDirectory() ? "folder" : "file");

function move(source: string, stats: Stats, target: string): void {
  const mode = stats.mode & 0o7777;
  const isClosed = stats.isDirectory() && (mode & 0o300) !== 0o300;
  doing("put in place", target, () => {
    // A folder that is not writable cannot get another parent.
    if (isClosed) chmodSync(source, mode | 0o300);
    ensureFolder(dirname(target));
    inFolder(dirname(target), () => inFolder(dirname(source), () => renameSync(source, target)));
    if (isClosed) chmodSync(target, mode);
  });
}

/** The folders above; the ones below are there, because a whole folder is moved at once. */
function ensureFolder(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined)
    mkdirSync(path, { recursive: true, mode: 0o755 });
}
