import { lstatSync } from "node:fs";
import { join } from "node:path";
import { MAX_NODES } from "../../io/tree-names.ts";
import { openTreeWriter } from "../../io/tree-writer.ts";
import type { Metadata } from "../../wire/metadata-types.ts";
import { joined, listOf, rowsIn } from "../mending/file-list.ts";
import type { IndexedFile } from "../mending/stat-index.ts";
import { shortLived } from "../../short-lived.ts";
import { folded } from "./slot-groups.ts";
import { completeTree, impliedRows } from "./unpack.ts";
import type { Done } from "./unpack-worker.ts";
import { newNotes, refuseDouble, type Unpacked, unpackedOf } from "./unpacked.ts";

/**
 * Completes the tree that threads have written: links, the folders that the package asks for, and modes of folders that
 * had to wait. Throws where the threads may have written another tree than one alone would have.
 */
export function mergeReports(
  metadata: Metadata,
  reports: readonly Done[],
  root: string,
  maxNodes = MAX_NODES,
): Unpacked {
  const files = joined(reports.map((report) => report.files));
  const made = reports.flatMap((report) => rowsIn(report.made));
  const met = reports.flatMap((report) => rowsIn(report.met));
  const notes = newNotes("in order", foldersOf([...made, ...met]));
  if (files.count + notes.rows.size > maxNodes) throw new Error(`more than ${maxNodes} files and folders`);
  const implied = reports.flatMap((report) => report.implied);
  const isImplied = new Set(implied.map(([path]) => path));
  const folders = [...notes.rows.values()];
  const found = reports.flatMap((report) => report.found);
  if (!areSpelledAsMade(found, isImplied, made))
    refuseSpellings(root, [...new Set([...notes.rows.keys(), ...isImplied, ...found])]);

  using writer = openTreeWriter(root, { company: "others", doubles: "refused", onMade: notes.note });
  // What an archive says of a folder counts, not what a thread made of it that needed it at the same time.
  for (const [path, , , mode, slot] of folders)
    if (writer.waits(mode) || isImplied.has(path)) {
      notes.slot = slot;
      writer.directory(path, mode);
    }
  for (const [path, target, slot] of reports.flatMap(({ links }) => links)) {
    notes.slot = slot;
    writer.symlink(path, target);
  }
  completeTree(metadata, writer, notes);
  const around = new Map([...implied, ...writer.impliedFolders()]);
  const others = [...notes.rows.values(), ...impliedRows([...around], notes.rows)];
  return unpackedOf(joined([files, listOf(others)]));
}

/**
 * Folders by their paths, one that several slots describe for the last of these. Of all else there is only one of each
 * path, because whoever came second has failed.
 */
function foldersOf(rows: readonly IndexedFile[]): Map<string, IndexedFile> {
  const folders = new Map<string, IndexedFile>();
  for (const row of rows) {
    const known = folders.get(row[0]);
    if (known !== undefined) refuseDouble(known, row[3]);
    if (known === undefined || known[4] < row[4]) folders.set(row[0], row);
  }
  return folders;
}

/**
 * Whether each folder that a thread has found was made by a thread that spelled it so. Then nobody has found one by another
 * spelling than it was made by.
 */
function areSpelledAsMade(
  found: readonly string[],
  implied: ReadonlySet<string>,
  made: readonly IndexedFile[],
): boolean {
  const unknown = new Set(found.filter((path) => !implied.has(path)));
  for (const [path] of made) if (unknown.has(path)) unknown.delete(path);
  return unknown.size === 0;
}

/** Of two folders that the disk takes for one, a single thread would refuse the second. Each path is there once. */
function refuseSpellings(root: string, paths: readonly string[]): void {
  // All at once, since there may be thousands: a NUL is in no path, and stays what it is.
  const keys = folded(paths.join("\0")).split("\0");
  if (new Set(keys).size === paths.length) return;
  const spellings = new Map<string, string>();
  for (const [i, path] of paths.entries()) {
    const known = spellings.get(keys[i] as string) ?? path;
    spellings.set(keys[i] as string, known);
    if (known !== path && lstatSync(join(root, known)).ino === lstatSync(join(root, path)).ino)
      throw new Error(`${JSON.stringify(path)} is spelled ${JSON.stringify(known)} as well`);
  }
}

shortLived({ foldersOf, areSpelledAsMade, refuseSpellings });
