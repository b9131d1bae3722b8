import { posix } from "node:path";
import type { ByteSource } from "../../io/byte-source.ts";
import { openTreeWriter, S_IFDIR, type TreeOnDisk, type TreeWriter } from "../../io/tree-writer.ts";
import type { Package, Slot } from "../../reader.ts";
import type { Metadata } from "../../wire/metadata-types.ts";
import { listOf } from "../mending/file-list.ts";
import { type IndexedFile, NO_SLOT } from "../mending/stat-index.ts";
import { type ExtractOptions, extractSlot } from "./extract-slot.ts";
import { newNotes, type Notes, type Unpacked, unpackedOf } from "./unpacked.ts";

/**
 * Unpacks slots into a folder, and makes the folders that the package asks for. With `only`, everything but these files
 * and links is left out. Throws what `extractSlot` throws; nothing that was written until then may be used.
 */
export async function unpackSlots(
  { source, metadata }: Package,
  slots: readonly Slot[],
  root: string,
  only?: ReadonlySet<string>,
  onBytes?: (count: number) => void,
): Promise<Unpacked> {
  const notes = newNotes();
  using writer = openTreeWriter(root, { onMade: notes.note });
  const isWanted = only && ((path: string) => only.has(posix.normalize(path)));
  await extractSlots(source, slots, writer, notes, { isWanted, onBytes });
  completeTree(metadata, writer, notes);
  return unpackedOf(listOf([...notes.rows.values(), ...impliedRows(writer.impliedFolders(), notes.rows)]));
}

/** Writes slots, one after the other, of these only the paths that are wanted. */
export async function extractSlots(
  source: ByteSource,
  slots: readonly Slot[],
  writer: TreeWriter,
  notes: Notes,
  options: ExtractOptions,
): Promise<void> {
  for (const slot of slots) {
    notes.slot = slot.entry.index;
    await extractSlot(source, slot, writer, options);
    globalThis.failPoint?.("slot-unpacked");
  }
}

/** Makes the folders that a package asks for, and gives all folders their modes. */
export function completeTree({ workenv }: Metadata, writer: TreeWriter, notes?: Notes): void {
  if (notes !== undefined) notes.slot = NO_SLOT;
  for (const { path, mode } of workenv.directories) writer.directory(path, mode ?? 0o700);
  writer.finish();
}

/** The rows of folders that were made around others, and that nothing was said about. */
export const impliedRows = (
  folders: ReturnType<TreeOnDisk["impliedFolders"]>,
  known: ReadonlyMap<string, IndexedFile>,
): readonly IndexedFile[] =>
  folders.flatMap(([path, mode]) => (known.has(path) ? [] : [[path, 0, 0, S_IFDIR | mode, NO_SLOT]]));
