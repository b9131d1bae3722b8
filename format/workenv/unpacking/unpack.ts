import { posix } from "node:path";
import type { ByteSource } from "../../io/byte-source.ts";
import { openTreeWriter, type TreeWriter } from "../../io/tree-writer.ts";
import type { Package, Slot } from "../../reader.ts";
import type { Metadata } from "../../wire/metadata-types.ts";
import { extractSlot } from "./extract-slot.ts";

/** What was written. */
export interface Unpacked {
  /** The slot that wrote each file, link and folder last, by its path below the root, with forward slashes. */
  readonly owners: ReadonlyMap<string, number>;
}

/**
 * Unpacks slots into a folder, and makes the folders that the package asks for. With `only`, everything but these files
 * and links is left out. `onBytes` is told of their content as it is unpacked. Throws what `extractSlot` throws; nothing
 * that was written until then may be used.
 */
export async function unpackSlots(
  { source, metadata }: Package,
  slots: readonly Slot[],
  root: string,
  only?: ReadonlySet<string>,
  onBytes?: (count: number) => void,
): Promise<Unpacked> {
  using writer = openTreeWriter(root);
  const owners = new Map<string, number>();
  const isWanted = only && ((path: string) => only.has(posix.normalize(path)));
  await extractSlots(source, slots, writer, owners, isWanted, onBytes);
  completeTree(metadata, writer);
  return { owners };
}

/** Writes slots, one after the other, of these only the paths that are wanted, and notes who wrote what. */
export async function extractSlots(
  source: ByteSource,
  slots: readonly Slot[],
  writer: TreeWriter,
  owners: Map<string, number>,
  isWanted?: (path: string) => boolean,
  onBytes?: (count: number) => void,
): Promise<void> {
  for (const slot of slots) {
    const noted = noting(writer, (path) => owners.set(posix.normalize(path), slot.entry.index));
    await extractSlot(source, slot, noted, isWanted, onBytes);
    globalThis.failPoint?.("slot-unpacked");
  }
}

/** Makes the folders that a package asks for, and gives all folders their modes. */
export function completeTree({ workenv }: Metadata, writer: TreeWriter): void {
  for (const { path, mode } of workenv.directories) writer.directory(path, mode ?? 0o700);
  writer.finish();
}

const noting = (writer: TreeWriter, note: (path: string) => void): TreeWriter => ({
  ...writer,
  directory(path, mode) {
    note(path);
    writer.directory(path, mode);
  },
  openFile(path, mode, mtime) {
    note(path);
    return writer.openFile(path, mode, mtime);
  },
  file(path, mode, mtime, body) {
    note(path);
    return writer.file(path, mode, mtime, body);
  },
  symlink(path, target) {
    note(path);
    writer.symlink(path, target);
  },
  hardLinkAsCopy(path, existing) {
    note(path);
    writer.hardLinkAsCopy(path, existing);
  },
});
