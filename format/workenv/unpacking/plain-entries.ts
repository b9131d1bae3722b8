import type { NewFiles } from "../../io/quick-new-files.ts";
import { ODD_STEP } from "../../io/paths.ts";
import { S_IFDIR, type TreeOnDisk } from "../../io/tree-writer.ts";
import { shortLived } from "../../short-lived.ts";
import { BLOCK } from "../../tar/header.ts";
import { plainHeader } from "../../tar/plain-header.ts";
import type { Bytes } from "../../types.ts";
import type { IndexedFile } from "../mending/stat-index.ts";

export interface PlainTools {
  /** Where archives lie. */
  readonly memory: Bytes;
  readonly files: NewFiles;
  /** For folders. */
  readonly writer: TreeOnDisk;
  /** Gets a row for each file. */
  readonly rows: IndexedFile[];
  /** Gets a row for each folder that the writer is not asked for. */
  readonly folders: IndexedFile[];
}

/**
 * Writes the entries at the front of an archive, or of a part of one, up to the first that is no plain file or folder,
 * or not all there: where that begins, is returned. `length` bytes lie at the front of the memory. Made for archives that
 * consist of such entries, tens of thousands of them: no object per entry that is not needed, and few functions, since
 * each has to be compiled in each thread. A path that is there already is an error.
 */
export type PlainUnpacker = (length: number, place: (name: string) => string, slot: number) => number;

/** A shorter path is not too deep for a tree's writer. */
const LONG = 512;

export function plainUnpacker({ memory, files, writer, rows, folders }: PlainTools): PlainUnpacker {
  const words = new Int32Array(memory.buffer, memory.byteOffset, memory.length / 4);
  const known = new Set<string>();
  let folder = "";

  function ensureFolder(path: string): void {
    folder = path;
    if (known.has(path)) return;
    writer.folder(path);
    known.add(path);
  }

  /** The writer knows what to do where a folder is there already, lacks one around it, or cannot have its mode yet. */
  function ensureDescribed(path: string, mode: number, slot: number): void {
    if (writer.waits(mode) || !files.folder(path, mode)) return writer.directory(path, mode);
    known.add(path);
    folders.push([path, 0, 0, S_IFDIR | mode, slot]);
  }

  const unpack: PlainUnpacker = (length, place, slot) => {
    let at = 0;
    while (length - at >= BLOCK) {
      const header = plainHeader(memory, at, at, words);
      if (header === undefined) return at;
      const { kind, name, mode, size, mtime } = header;
      const next = at + BLOCK * (1 + Math.ceil(size / BLOCK));
      const bare = name.endsWith("/") ? name.slice(0, -1) : name;
      if (next > length || ODD_STEP.test(bare)) return at;
      const path = place(bare);
      if (path.length >= LONG) return at;
      if (kind === "directory") ensureDescribed(path, mode & 0o777, slot);
      else {
        // The gate is the folder's: an ASCII name without a slash adds nothing to it.
        const end = path.lastIndexOf("/");
        const around = end < 0 ? "" : path.slice(0, end);
        if (around !== folder) ensureFolder(around);
        files.make(path, mode & 0o777 || 0o600, mtime, at + BLOCK, size);
        rows.push([path, size, files.mtimeMs, files.mode, slot]);
      }
      at = next;
    }
    return at;
  };
  shortLived({ ensureFolder, ensureDescribed, unpack });
  return unpack;
}
