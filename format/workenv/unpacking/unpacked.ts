import { shortLived } from "../../short-lived.ts";
import { isDirectoryMode } from "../mending/file-facts.ts";
import { type FileList, rowsIn } from "../mending/file-list.ts";
import { type IndexedFile, NO_SLOT } from "../mending/stat-index.ts";

/** What was written. */
export interface Unpacked {
  /** The slot that wrote each file, link and folder last, by its path below the root, with forward slashes. */
  readonly owners: ReadonlyMap<string, number>;
  /** Everything below the root as it looks now: what `indexTree` would find. */
  readonly rows: readonly IndexedFile[];
  /** The same for the stat index. */
  readonly files: FileList;
}

export function unpackedOf(files: FileList): Unpacked {
  let rows: readonly IndexedFile[] | undefined;
  let owners: ReadonlyMap<string, number> | undefined;
  // Few packages need these, and they take a while to make.
  return {
    files,
    get rows() {
      rows ??= rowsIn(files);
      return rows;
    },
    get owners() {
      owners ??= new Map(this.rows.flatMap(([path, , , , slot]) => (slot === NO_SLOT ? [] : [[path, slot]])));
      return owners;
    },
  };
}

/** What a tree's writer makes, as it is made. */
export interface Notes {
  /** The slot that is being unpacked. */
  slot: number;
  /**
   * "in order": of what has the same path the later counts. "in no order": nobody knows which that is, so it is refused,
   * but for folders of which the same is said.
   */
  readonly entries: "in order" | "in no order";
  readonly rows: ReadonlyMap<string, IndexedFile>;
  readonly note: (path: string, size: number, mtimeMs: number, mode: number) => void;
}

export function newNotes(
  entries: Notes["entries"] = "in order",
  rows = new Map<string, IndexedFile>(),
): Notes {
  const notes: Notes = {
    slot: NO_SLOT,
    entries,
    rows,
    note(path, size, mtimeMs, mode) {
      const known = rows.get(path);
      if (known !== undefined && entries === "in no order") refuseDouble(known, mode);
      // The package asks for some folders, too: they stay the slot's that wrote them.
      const slot = notes.slot === NO_SLOT ? (known?.[4] ?? NO_SLOT) : notes.slot;
      rows.set(path, isDirectoryMode(mode) ? [path, 0, 0, mode, slot] : [path, size, mtimeMs, mode, slot]);
    },
  };
  shortLived(notes.note);
  return notes;
}

/** Throws unless something that is there twice is a folder of which the same was said both times. */
export function refuseDouble([path, , , known]: IndexedFile, mode: number): void {
  if (!isDirectoryMode(known) || known !== mode) throw new Error(`${JSON.stringify(path)} is there twice`);
}

/** Files, and folders that entries describe: those that the writer of these rows made, and those that it found. */
export function sortOut(rows: readonly IndexedFile[], found: ReadonlySet<string>) {
  const sorted = { files: [] as IndexedFile[], made: [] as IndexedFile[], met: [] as IndexedFile[] };
  for (const row of rows)
    if (!isDirectoryMode(row[3])) sorted.files.push(row);
    else (found.has(row[0]) ? sorted.met : sorted.made).push(row);
  return sorted;
}
