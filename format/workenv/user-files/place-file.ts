import {
  chmodSync,
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { dirname, join, posix } from "node:path";
import { doing, errnoOf } from "../../io/fs.ts";
import { inFolder } from "../../io/in-folder.ts";
import { resolveInside } from "../../io/paths.ts";
import { nameBeside } from "./carry-plan.ts";

/** Whether anything is at a path below a folder. */
export const isThere = (root: string, path: string): boolean => {
  try {
    return lstatSync(resolveInside(root, path), { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // a file stands where a folder was
  }
};

/**
 * Copies a file or link, with its mode and time, to a path below a folder. Where something else is in the way, the copy
 * gets a name that is free; the path that it got.
 */
export function placeCopy(source: string, root: string, path: string): string {
  const free = freePath(root, path);
  const target = resolveInside(root, free);
  doing("copy", source, () => {
    mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
    const stats = lstatSync(source);
    inFolder(dirname(target), () => {
      if (stats.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
      else copyOrNothing(source, target);
    });
    if (stats.isSymbolicLink()) return;
    utimesSync(target, stats.atime, stats.mtime);
    chmodSync(target, stats.mode & 0o777);
  });
  return free;
}

/** Half a copy, as a full disk makes it, would count as the whole one later. */
function copyOrNothing(source: string, target: string): void {
  try {
    copyFileSync(source, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") rmSync(target, { force: true });
    throw error;
  }
}

/** Moves a file below a folder to another name there. */
export const moveAside = (root: string, path: string, name: string): void =>
  doing("rename", join(root, path), () =>
    inFolder(dirname(join(root, path)), () =>
      renameSync(resolveInside(root, path), resolveInside(root, name)),
    ),
  );

/** A path at which nothing lies, and above which only folders do. */
function freePath(root: string, path: string): string {
  const done: string[] = [];
  const parts = path.split("/");
  for (const [i, part] of parts.entries()) {
    const here = posix.join(...done, part);
    const stats = lstatSync(join(root, here), { throwIfNoEntry: false });
    const fits = i === parts.length - 1 ? stats === undefined : stats === undefined || stats.isDirectory();
    done.push(fits ? part : posix.basename(nameBeside(here, "kept", (name) => isThere(root, name))));
  }
  return done.join("/");
}
