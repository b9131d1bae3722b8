import { shortLived } from "../../short-lived.ts";
import { isDirectoryMode } from "../mending/file-facts.ts";
import { type IndexedFile, NO_SLOT } from "../mending/stat-index.ts";

/** What was written. */
export interface Unpacked {
  /** The slot that wrote each file, link and folder last, by its path below the root, with forward slashes. */
  readonly owners: ReadonlyMap<string, number>;
  /** Everything below the root as it looks now: what `indexTree` would find. */
  readonly rows: readonly IndexedFile[];
}

export const unpackedOf = (rows: readonly IndexedFile[]): Unpacked => {
  let owners: ReadonlyMap<string, number> | undefined;
  return {
    rows,
    // Few packages need it, and it takes a while to make.
    get owners() {
      owners ??= new Map(rows.flatMap(([path, , , , slot]) => (slot === NO_SLOT ? [] : [[path, slot]])));
      return owners;
    },
  };
};

/** What a tree's writer makes, as it is made. */
export interface Notes {
  /** The slot that is being unpacked. */
  slot: number;
  /**
   * "in order": of what has the same path the later counts. "in no order": nobody knows which that is, so it is refused,
   * but for folders of which the same is said.
   */
  entries: "in order" | "in no order";
  readonly rows: ReadonlyMap<string, IndexedFile>;
  readonly note: (path: string, size: number, mtimeMs: number, mode: number) => void;
}

export function newNotes(rows = new Map<string, IndexedFile>()): Notes {
  const notes: Notes = {
    slot: NO_SLOT,
    entries: "in order",
    rows,
    note(path, size, mtimeMs, mode) {
      const known = rows.get(path);
      if (known !== undefined && notes.entries === "in no order") refuseDouble(known, mode);
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

/** Rows on their way between threads: a text and a few numbers for each, which cost little to hand over. */
export interface PackedRows {
  /** With a NUL behind each. */
  readonly paths: string;
  readonly numbers: Float64Array;
}

const NUMBERS = 4;

export function packRows(rows: readonly IndexedFile[]): PackedRows {
  const numbers = new Float64Array(NUMBERS * rows.length);
  let at = 0;
  for (const [, size, mtime, mode, slot] of rows) {
    numbers[at++] = size;
    numbers[at++] = mtime;
    numbers[at++] = mode;
    numbers[at++] = slot;
  }
  return { paths: rows.map(([path]) => `${path}\0`).join(""), numbers };
}

export function rowsIn({ paths, numbers }: PackedRows): readonly IndexedFile[] {
  const number = (at: number): number => numbers[at] as number;
  return paths
    .split("\0")
    .slice(0, -1)
    .map((path, i) => {
      const at = i * NUMBERS;
      return [path, number(at), number(at + 1), number(at + 2), number(at + 3)];
    });
}
