import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from "node:fs";
import { join } from "node:path";
import { doing } from "../../io/fs.ts";
import type { Bytes } from "../../types.ts";
import { sha256Stream } from "../../wire/hashes.ts";
import type { Known, Originals } from "./originals.ts";

const PIECE = 1024 * 1024;

/** Content and mode of a file or link; undefined for folders, for what is neither, and where nothing is. */
export function knownAt(path: string): Found | undefined {
  const stats = lookAt(path);
  if (stats === undefined) return undefined;
  const { size } = stats;
  const mode = stats.mode & 0o7777;
  if (stats.isSymbolicLink()) return { id: `link:${readlinkSync(path)}`, mode, size };
  return stats.isFile() ? { id: hashOf(path, size), mode, size } : undefined;
}

function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // a file stands where a folder was
  }
}

function hashOf(path: string, size: number): string {
  const hash = sha256Stream();
  // One byte more, to see the end; most files are small, and a large buffer costs more than their bytes.
  const piece = new Uint8Array(Math.min(size + 1, PIECE)) as Bytes;
  doing("read", path, () => {
    const fd = openSync(path, "r");
    try {
      for (let read = readSync(fd, piece); read > 0; read = readSync(fd, piece))
        hash.update(piece.subarray(0, read) as Bytes);
    } finally {
      closeSync(fd);
    }
  });
  return hash.hex();
}

/** A file or link with its size in bytes. */
export type Found = Known & { readonly size: number };

/** What the user has now, of the package's originals and of what was added, by path. */
export function userFilesIn(
  content: string,
  { roots, others, files }: Pick<Originals, "roots" | "others" | "files">,
  onUnreadable: (path: string) => void,
): ReadonlyMap<string, Found> {
  const added = roots.flatMap((root) => filesBelow(content, root, others, onUnreadable));
  const found = new Map<string, Found>();
  for (const path of new Set([...Object.keys(files), ...added])) {
    try {
      const known = knownAt(join(content, path));
      if (known !== undefined) found.set(path, known);
    } catch {
      onUnreadable(path);
    }
  }
  return found;
}

/** Files and links below a folder, or at its place, without others and what is below them. Links are not followed. */
export function filesBelow(
  content: string,
  root: string,
  others: readonly string[],
  onUnreadable: (path: string) => void,
): readonly string[] {
  const files: string[] = [];
  const foreign = new Set(others);
  const waiting = [root];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const current = path;
    if (foreign.has(current)) continue;
    const place = join(content, current);
    const stats = lookAt(place);
    // Its name is no UTF-8, or its folder is closed: it is there, for its folder says so.
    if (stats === undefined && current !== root) onUnreadable(current);
    if (stats?.isDirectory() !== true) files.push(current);
    else for (const name of namesIn(place, () => onUnreadable(current))) waiting.push(`${current}/${name}`);
  }
  return files;
}

function namesIn(folder: string, onUnreadable: () => void): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    onUnreadable();
    return [];
  }
}
