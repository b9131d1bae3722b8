import { type Dirent, lstatSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { isDirectoryMode, isSymlinkMode, ownMode } from "../mending/file-facts.ts";
import { knownAt } from "../user-files/user-files.ts";
import type { Places } from "./places.ts";
import type { SignedTree } from "./signed-tree.ts";

export type State = "missing" | "changed" | "added";

/** What lies in a workenv otherwise than its package has it, by path. */
export type Differences = ReadonlyMap<string, State>;

const HAS_MODES = process.platform !== "win32";

/** Every place of a workenv that is not free, against what belongs there. Follows no link. */
export function differencesFrom(tree: SignedTree, places: Places, content: string): Differences {
  const found = new Map<string, State>();
  for (const [path, entry] of tree) {
    if (entry.kind === "folder") {
      if (!places.isPackages(entry) && !(entry.slot === undefined && places.hasPackagesBelow(path))) continue;
      const state = stateOfFolder(join(content, path), entry.mode);
      if (state !== undefined) found.set(path, state);
    } else if (places.isPackages(entry) && entry.found !== "same") found.set(path, entry.found);
  }
  for (const path of addedTo(tree, places, content)) found.set(path, "added");
  return found;
}

function stateOfFolder(path: string, mode: number): State | undefined {
  const stats = lookAt(path);
  if (stats === undefined) return "missing";
  return stats.isDirectory() && (!HAS_MODES || (ownMode(stats.mode) & 0o7777) === mode)
    ? undefined
    : "changed";
}

function lookAt(path: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // a file stands where a folder was
  }
}

function addedTo(tree: SignedTree, places: Places, content: string): readonly string[] {
  const added: string[] = [];
  const waiting = [""];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const names = namesIn(join(content, folder));
    // What is in it, nobody can say.
    if (names === undefined) added.push(folder);
    for (const entry of names ?? []) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      const isFolder = isDirectory(entry, join(content, path));
      if (!tree.has(path)) {
        if (!places.isFree(path) && !(isFolder && places.hasFreeBelow(path))) added.push(path);
      }
      if (isFolder && (places.hasPackagesBelow(path) || !places.isFree(path))) waiting.push(path);
    }
  }
  return added;
}

function namesIn(folder: string): readonly Dirent[] | undefined {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return undefined;
  }
}

/** Some file systems do not say what a name stands for. */
const isDirectory = (entry: Dirent, path: string): boolean =>
  entry.isDirectory() || (!entry.isFile() && !entry.isSymbolicLink() && lookAt(path)?.isDirectory() === true);

/** As `describe` says it. */
export const MISSING = "missing";

/** What lies at a path, in words that nothing else has. */
export function describe(content: string, path: string): string {
  const place = join(content, path);
  const stats = lookAt(place);
  if (stats === undefined) return MISSING;
  const mode = stats.mode.toString(8);
  if (isSymlinkMode(stats.mode)) return `link ${readlinkSync(place)}`;
  if (isDirectoryMode(stats.mode)) return `folder ${mode}`;
  return stats.isFile() ? `file ${mode} ${knownAt(place)?.id}` : `other ${mode}`;
}
