import { posix } from "node:path";
import type { TreeWriter } from "../../io/tree-writer.ts";
import type { Progress } from "../../progress/progress.ts";
import type { Package, Slot } from "../../reader.ts";
import { contentSizeOf } from "../../slot-limit.ts";
import type { Bytes, ByteStream, Sha256 } from "../../types.ts";
import { sha256Stream } from "../../wire/hashes.ts";
import { NO_SLOT } from "../mending/stat-index.ts";
import { extractSlot } from "../unpacking/extract-slot.ts";
import {
  type FileAtHand,
  type Found,
  openAtHand,
  stateByDigest,
  stateOfCopy,
  stateOfLink,
} from "./at-hand.ts";

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
  progress?: Progress,
): Promise<SignedTree> {
  const tree = new Map<string, SignedEntry>();
  progress?.begin("comparing", () => contentSizeOf(slots));
  for (const slot of slots) {
    const place = isCompared(slot) ? content : undefined;
    const compare = async (digests?: Map<string, Sha256>): Promise<boolean> => {
      using comparer = comparerFor(tree, slot.entry.index, place, digests);
      await extractSlot(source, slot, comparer, { onBytes: progress?.add });
      return comparer.isCertain();
    };
    // What a hard link is a copy of lies there no more, be it that another slot has replaced it.
    if (!(await compare())) await compare(new Map());
  }
  progress?.end();
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

/**
 * Takes what would be unpacked, and looks at what lies in its place; nowhere without `content`. Notes the digest of each
 * file where there are `digests` to note them in; otherwise what is said of hard links may be too strict, and is not certain.
 */
function comparerFor(
  tree: Map<string, SignedEntry>,
  slot: number,
  content: string | undefined,
  digests: Map<string, Sha256> | undefined,
): TreeWriter & { readonly isCertain: () => boolean } {
  let open: FileAtHand | undefined;
  let isCertain = true;
  const note = (path: string, entry: Omit<SignedEntry, "slot">): void => {
    noteParents(tree, path);
    tree.set(path, { ...entry, slot });
  };
  const comparer = {
    isCertain: () => isCertain,
    directory: (path: string, mode: number) => noteFolder(tree, posix.normalize(path), slot, mode),
    openFile(name: string, givenMode: number) {
      const path = posix.normalize(name);
      const mode = givenMode & 0o777 || PRIVATE_FILE;
      const atHand = content === undefined ? undefined : openAtHand(content, path, mode);
      open = atHand;
      const hash = digests === undefined ? undefined : sha256Stream();
      let written = 0;
      return {
        write(piece: Bytes) {
          atHand?.compare(piece);
          hash?.update(piece);
          written += piece.length;
        },
        close() {
          open = undefined;
          if (hash !== undefined) digests?.set(path, hash.hex());
          note(path, { kind: "file", mode, found: atHand?.end() ?? "same" });
          return written;
        },
      };
    },
    async file(path: string, mode: number, _mtime: number, body: ByteStream) {
      const sink = comparer.openFile(path, mode);
      for await (const piece of body) sink.write(piece);
      return sink.close();
    },
    symlink(name: string, target: string) {
      const path = posix.normalize(name);
      const found = content === undefined ? "same" : stateOfLink(content, path, target);
      note(path, { kind: "link", mode: 0, found });
    },
    hardLinkAsCopy(name: string, existing: string) {
      const [path, other] = [posix.normalize(name), posix.normalize(existing)];
      const original = tree.get(other);
      if (original === undefined || path === other) return;
      const digest = digests?.get(other);
      if (digest !== undefined) digests?.set(path, digest);
      else if (content !== undefined && original.found !== "same") isCertain = false;
      const { mode } = original;
      const found = () =>
        digest === undefined
          ? stateOfCopy(content as string, path, other, original)
          : stateByDigest(content as string, path, { mode, digest });
      note(path, { kind: "file", mode, found: content === undefined ? "same" : found() });
    },
    finish: () => {},
    [Symbol.dispose]: () => open?.end(),
  };
  return comparer;
}
