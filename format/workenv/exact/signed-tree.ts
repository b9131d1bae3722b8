import { posix } from "node:path";
import type { TreeWriter } from "../../io/tree-writer.ts";
import type { Package, Slot } from "../../reader.ts";
import type { Bytes } from "../../types.ts";
import { NO_SLOT } from "../mending/stat-index.ts";
import { extractSlot } from "../unpacking/extract-slot.ts";
import { type FileAtHand, type Found, openAtHand, stateOfCopy, stateOfLink } from "./at-hand.ts";

/** Something that a package puts into a workenv, and what lies in its place. */
export interface SignedEntry {
  readonly kind: "file" | "link" | "folder";
  /** The slot that wrote it last; `NO_SLOT` for a folder that the package asks for, undefined for one that it implies. */
  readonly slot: number | undefined;
  /** Permission bits; those of a link mean nothing. */
  readonly mode: number;
  /** What lies there, of files and links of the slots that were compared; others count as "same". */
  readonly found: Found;
}

/** By path below the workenv, with forward slashes. */
export type SignedTree = ReadonlyMap<string, SignedEntry>;

/** As the writer of trees has them. */
const IMPLIED_FOLDER = 0o755;
const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;

/**
 * What slots put into a workenv, one after the other, each compared with what lies at its path: bytes, modes and links.
 * Nothing is written, and no file is held in memory. Slots that are not `isCompared` only say what is theirs. Throws what
 * unpacking throws: also for a slot whose bytes are not the signed ones.
 */
export async function signedTree(
  { source, metadata }: Package,
  slots: readonly Slot[],
  content: string,
  isCompared: (slot: Slot) => boolean,
): Promise<SignedTree> {
  const tree = new Map<string, SignedEntry>();
  for (const slot of slots) {
    using comparer = comparerFor(tree, slot.entry.index, isCompared(slot) ? content : undefined);
    await extractSlot(source, slot, comparer);
  }
  for (const { path, mode } of metadata.workenv.directories)
    noteFolder(tree, posix.normalize(path), NO_SLOT, mode ?? PRIVATE_FOLDER);
  return tree;
}

function noteFolder(tree: Map<string, SignedEntry>, path: string, slot: number, mode: number): void {
  if (path === ".") return;
  noteParents(tree, path);
  tree.set(path, { kind: "folder", slot, mode: mode & 0o777 || PRIVATE_FOLDER, found: "same" });
}

function noteParents(tree: Map<string, SignedEntry>, path: string): void {
  const parent = posix.dirname(path);
  if (parent === "." || tree.has(parent)) return;
  noteParents(tree, parent);
  tree.set(parent, { kind: "folder", slot: undefined, mode: IMPLIED_FOLDER, found: "same" });
}

/** Takes what would be unpacked, and looks at what lies in its place; nowhere without `content`. */
function comparerFor(tree: Map<string, SignedEntry>, slot: number, content: string | undefined): TreeWriter {
  let open: FileAtHand | undefined;
  const note = (path: string, entry: Omit<SignedEntry, "slot">): void => {
    noteParents(tree, path);
    tree.set(path, { ...entry, slot });
  };
  const comparer: TreeWriter = {
    directory: (path, mode) => noteFolder(tree, posix.normalize(path), slot, mode),
    openFile(name, givenMode) {
      const path = posix.normalize(name);
      const mode = givenMode & 0o777 || PRIVATE_FILE;
      const atHand = content === undefined ? undefined : openAtHand(content, path, mode);
      open = atHand;
      let written = 0;
      return {
        write(piece: Bytes) {
          atHand?.compare(piece);
          written += piece.length;
        },
        close() {
          open = undefined;
          note(path, { kind: "file", mode, found: atHand?.end() ?? "same" });
          return written;
        },
      };
    },
    async file(path, mode, mtime, body) {
      const sink = comparer.openFile(path, mode, mtime);
      for await (const piece of body) sink.write(piece);
      return sink.close();
    },
    symlink(name, target) {
      const path = posix.normalize(name);
      const found = content === undefined ? "same" : stateOfLink(content, path, target);
      note(path, { kind: "link", mode: 0, found });
    },
    hardLinkAsCopy(name, existing) {
      const [path, other] = [posix.normalize(name), posix.normalize(existing)];
      const original = tree.get(other);
      if (original === undefined || path === other) return;
      const found = content === undefined ? "same" : stateOfCopy(content, path, other, original);
      note(path, { kind: "file", mode: original.mode, found });
    },
    folders: () => [],
    finish: () => {},
    [Symbol.dispose]: () => open?.end(),
  };
  return comparer;
}
