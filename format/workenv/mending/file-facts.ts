import { join } from "node:path";
import { errnoOf } from "../../io/fs.ts";
import { type Status, statusOfLink } from "../../io/quick-files.ts";

/**
 * What a file looked like when its workenv was made: its path below the content with forward slashes, size in bytes,
 * time of modification in milliseconds, st_mode. With `EXISTENCE_ONLY` for a time, nothing but its being there counts.
 */
export type FileFacts = readonly [path: string, size: number, mtime: number, mode: number];

export const EXISTENCE_ONLY = -1;

/** "changed" is what only an application or a person does: neither a cleaner nor a power cut makes a file larger. */
export type FileState = "intact" | "missing" | "truncated" | "changed";

const TYPE = 0o170000;
const DIRECTORY = 0o040000;
const SYMLINK = 0o120000;

export const isDirectoryMode = (mode: number): boolean => (mode & TYPE) === DIRECTORY;
export const isSymlinkMode = (mode: number): boolean => (mode & TYPE) === SYMLINK;

/** Folders have it when the folder around them has it: no package asks for it. */
const SET_GROUP_ID = 0o2000;

/** st_mode without what a folder has from the one around it. */
export const ownMode = (mode: number): number => (isDirectoryMode(mode) ? mode & ~SET_GROUP_ID : mode);

export function factsOf(
  path: string,
  { size, mtimeMs, mode }: Pick<Status, "size" | "mtimeMs" | "mode">,
): FileFacts {
  // The size of a folder is its file system's business, its time changes with every file in it.
  return isDirectoryMode(mode) ? [path, 0, 0, ownMode(mode)] : [path, size, mtimeMs, mode];
}

/** What has become of a file. One system call. */
export function stateOf(content: string, [path, size, mtime, mode]: FileFacts): FileState {
  const stats = lookAt(join(content, path));
  if (stats === undefined) return "missing";
  if (stats === "hidden") return "changed";
  if (mtime === EXISTENCE_ONLY) return "intact";
  if (stats.mode !== mode && ownMode(stats.mode) !== mode)
    return (stats.mode & TYPE) === (mode & TYPE) && stats.size < size ? "truncated" : "changed";
  if (isDirectoryMode(mode)) return "intact";
  if (stats.size < size) return "truncated";
  const isSame = stats.size === size && (stats.mtimeMs === mtime || isSymlinkMode(mode));
  return isSame ? "intact" : "changed";
}

function lookAt(path: string): Status | "hidden" | undefined {
  try {
    return statusOfLink(path);
  } catch (error) {
    // A file stands where a folder was, or it is in a folder that somebody has closed.
    return errnoOf(error) === "ENOTDIR" ? undefined : "hidden";
  }
}
