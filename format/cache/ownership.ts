import type { Stats } from "node:fs";
import { dirname } from "node:path";
import { errnoOf } from "../io/fs.ts";
import { nodeFs } from "../io/quick-files.ts";

const OTHERS = 0o002;
const GROUP = 0o020;
const STICKY = 0o1000;

/** Why a folder cannot be relied on: whose it is, or who else may write to it. */
export interface OwnershipFault {
  readonly path: string;
  readonly cause: string;
}

/**
 * What keeps a folder of workenvs from being the user's own, by its owner and mode, those of its parent, and of what
 * a symlink at its place points to. Undefined when there is nothing. Other errors of the file system than that the folder
 * is absent are thrown.
 */
export function ownershipFault(path: string, uid: number): OwnershipFault | "absent" | undefined {
  for (const place of [dirname(path), path]) {
    const fault = judge(place, lstatIfThere(place), uid, "link");
    if (fault !== undefined) return fault;
  }
  const stats = lstatIfThere(path);
  if (stats === undefined) return (uid === 0 ? faultAbove(path) : undefined) ?? "absent";
  const real = nodeFs().realpathSync(path);
  return (
    judge(dirname(real), nodeFs().statSync(dirname(real)), uid, "parent") ??
    judge(real, nodeFs().statSync(real), uid, "folder")
  );
}

/** Whether a folder of workenvs is there and nobody but the user and root can have put something in it. Never throws. */
export function isPrivate(path: string, uid: number): boolean {
  try {
    return ownershipFault(path, uid) === undefined;
  } catch {
    return false;
  }
}

function judge(
  path: string,
  stats: Stats | undefined,
  uid: number,
  what: "link" | "parent" | "folder",
): OwnershipFault | undefined {
  if (stats === undefined) return undefined;
  const fault = (cause: string) => ({ path, cause: `${path} ${cause}` });
  // The system's own folders are root's, and root can do everything anyway.
  if (stats.uid !== uid && stats.uid !== 0) return fault(`belongs to another user (${stats.uid})`);
  if (what === "link") return undefined;
  if (!stats.isDirectory()) return fault("is not a folder");
  // In a folder with the sticky bit others can add names, but not take ours away: good enough above the cache.
  if (what === "parent" && (stats.mode & STICKY) !== 0) return undefined;
  if ((stats.mode & OTHERS) !== 0) return fault("can be written by everybody");
  // Where each user has a group of their own, it has the user's number, and folders are made writable for it.
  if ((stats.mode & GROUP) !== 0 && stats.gid !== uid)
    return fault(`can be written by a group (${stats.gid})`);
  return undefined;
}

/**
 * Root that was called with a user's home would leave folders there, such as a `~/.cache`, that the user can neither enter
 * nor remove.
 */
function faultAbove(path: string): OwnershipFault | undefined {
  const folder = dirname(path);
  const stats = lstatIfThere(folder);
  return stats === undefined ? faultAbove(folder) : judge(folder, stats, 0, "link");
}

function lstatIfThere(path: string): Stats | undefined {
  try {
    return nodeFs().lstatSync(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
