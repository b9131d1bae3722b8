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

/** Rows on their way between threads: a text and a few numbers for each, which cost little to hand over. */
export interface PackedRows {
  /** With a NUL behind each. */
  readonly paths: string;
  readonly numbers: Float64Array;
}

const NUMBERS = 4;

/** Rows as they are noted, one after the other, without an object for each. */
export class FileRows {
  #paths = "";
  #count = 0;
  #numbers = new Float64Array(NUMBERS * 1024);

  add(path: string, size: number, mtimeMs: number, mode: number, slot: number): void {
    const at = NUMBERS * this.#count++;
    if (at === this.#numbers.length) {
      const larger = new Float64Array(2 * at);
      larger.set(this.#numbers);
      this.#numbers = larger;
    }
    const numbers = this.#numbers;
    numbers[at] = size;
    numbers[at + 1] = mtimeMs;
    numbers[at + 2] = mode;
    numbers[at + 3] = slot;
    this.#paths += `${path}\0`;
  }

  packed(): PackedRows {
    return { paths: this.#paths, numbers: this.#numbers.slice(0, NUMBERS * this.#count) };
  }
}

export function rowsIn({ paths, numbers }: PackedRows): IndexedFile[] {
  const rows: IndexedFile[] = [];
  const number = (at: number): number => numbers[at] as number;
  const names = paths.split("\0");
  for (let i = 0, at = 0; at < numbers.length; i++, at += NUMBERS)
    rows.push([names[i] as string, number(at), number(at + 1), number(at + 2), number(at + 3)]);
  return rows;
}

shortLived(FileRows.prototype.add);
shortLived(rowsIn);
