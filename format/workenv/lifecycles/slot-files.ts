import { lstatSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { statOf } from "../../cache/cleaning/measure.ts";
import { doing, errnoOf } from "../../io/fs.ts";
import { inFolder } from "../../io/in-folder.ts";
import { resolveInside } from "../../io/paths.ts";
import { removeTree } from "../../io/remove-tree.ts";
import { isArchive } from "../../codecs/chain.ts";
import type { SlotEntry } from "../../wire/metadata-types.ts";
import type { Unpacked } from "../unpacking/unpacked.ts";

/** The paths that a slot wrote, relative to the workenv, with forward slashes. */
export const pathsOf = ({ owners }: Pick<Unpacked, "owners">, slot: number): readonly string[] =>
  [...owners].flatMap(([path, owner]) => (owner === slot ? [path] : []));

/**
 * Removes the files of a slot from a workenv. Where nothing else has its place in the slot's target, all that is there
 * goes, also what others have added; otherwise exactly what the slot wrote, and folders that this leaves empty. Links
 * are not followed.
 */
export function removeSlotFiles(
  content: string,
  slot: SlotEntry,
  paths: readonly string[],
  slots: readonly SlotEntry[],
): void {
  if (hasTargetAlone(slot, slots)) removeWhole(content, slot.target);
  for (const path of paths) removePath(content, path);
}

/** Whether no other slot can have put something into a slot's target. */
function hasTargetAlone(slot: SlotEntry, slots: readonly SlotEntry[]): boolean {
  if (slot.target === "") return false;
  const isApart = (other: SlotEntry) =>
    !isWithin(other.target, slot.target) &&
    !(isArchive(other.operations) && isWithin(slot.target, other.target));
  return slots.every((other) => other.index === slot.index || other.selfRef || isApart(other));
}

/** Whether a relative path is another one or lies below it; everything lies below "". */
export const isWithin = (path: string, folder: string): boolean =>
  folder === "" || path === folder || path.startsWith(`${folder}/`);

function removeWhole(content: string, target: string): void {
  const path = resolveInside(content, target);
  if (isReachable(content, target)) inFolder(dirname(path), () => removeTree(path));
}

/** Whether the folders above a path are there, and none of them is a link that leads elsewhere. */
function isReachable(content: string, path: string): boolean {
  for (let folder = posix.dirname(path); folder !== "."; folder = posix.dirname(folder))
    if (statOf(join(content, folder))?.isDirectory() !== true) return false; // also below a file
  return true;
}

/** Removes a file, a link or an empty folder, then the folders above it as long as they are empty. */
function removePath(content: string, path: string): void {
  const place = resolveInside(content, path);
  if (path === "." || !isReachable(content, path)) return;
  const stats = lstatSync(place, { throwIfNoEntry: false });
  if (stats?.isDirectory() === false)
    doing("remove", place, () => inFolder(dirname(place), () => unlinkSync(place)));
  const first = stats?.isDirectory() === true ? path : posix.dirname(path);
  for (let folder = first; folder !== "."; folder = posix.dirname(folder))
    if (!removeIfEmpty(join(content, folder))) return;
}

function removeIfEmpty(folder: string): boolean {
  try {
    if (readdirSync(folder).length > 0) return false;
    inFolder(dirname(folder), () => rmdirSync(folder));
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return true;
    throw error;
  }
}
