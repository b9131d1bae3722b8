import { posix } from "node:path";
import { openTreeWriter, type TreeWriter } from "../io/tree-writer.ts";
import type { Package, Slot } from "../reader.ts";
import { extractSlot } from "./extract-slot.ts";

/** What was written. */
export interface Unpacked {
  /** The slot that wrote each file, link and folder last, by its path below the root, with forward slashes. */
  readonly owners: ReadonlyMap<string, number>;
}

/**
 * Unpacks slots into a folder, and makes the folders that the package asks for. With `only`, everything but these files
 * and links is left out. Throws what `extractSlot` throws; nothing that was written until then may be used.
 */
export async function unpackSlots(
  { source, metadata }: Package,
  slots: readonly Slot[],
  root: string,
  only?: ReadonlySet<string>,
): Promise<Unpacked> {
  using writer = openTreeWriter(root);
  const owners = new Map<string, number>();
  for (const slot of slots) {
    await extractSlot(
      source,
      slot,
      noting(writer, (path) => owners.set(posix.normalize(path), slot.entry.index)),
      only && ((path) => only.has(posix.normalize(path))),
    );
    globalThis.failPoint?.("slot-unpacked");
  }
  for (const { path, mode } of metadata.workenv.directories) writer.directory(path, mode ?? 0o700);
  writer.finish();
  return { owners };
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
