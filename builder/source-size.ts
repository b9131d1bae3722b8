import { statSync } from "node:fs";
import type { TreeEntry } from "../format/tar/tree-entry.ts";
import type { SlotInput } from "./slot-input.ts";
import { listTree } from "./sources/tree.ts";

/**
 * How many bytes `encodeSlot` will tell of, about: files, and archives of folders. Undefined where a stream is among
 * them, or something that cannot be looked at, which is for others to report. Lists every folder.
 */
export function sourceSizeOf(slots: readonly Pick<SlotInput, "data" | "target">[]): number | undefined {
  try {
    // What is not known is no number.
    return slots.reduce((sum, slot) => sum + sizeOf(slot), 0) || undefined;
  } catch {
    return undefined;
  }
}

function sizeOf({ data, target }: Pick<SlotInput, "data" | "target">): number {
  switch (data.kind) {
    case "self":
      return 0;
    case "bytes":
      return data.bytes.length;
    case "file":
      return statSync(data.path).size;
    case "tree":
      return listTree(data.root, data).reduce(
        (sum, entry) => sum + entrySize(entry),
        target === "" ? END : END + BLOCK, // the target's own folder
      );
    case "stream":
      return Number.NaN;
    default:
      return data satisfies never;
  }
}

const BLOCK = 512;
const END = 2 * BLOCK;

/** In an archive, unless its name needs an extended header. */
const entrySize = ({ size }: TreeEntry): number => BLOCK * (1 + Math.ceil(size / BLOCK));
