import type { ImaginedTree } from "../io/imagined-tree.ts";
import type { Slot } from "../reader.ts";
import { shortLived } from "../short-lived.ts";
import type { EntryFacts, EntrySink } from "../tar/tar-entry.ts";
import { MAX_ENTRIES } from "../tar/tar-parser.ts";
import { placeEntry, type Rename } from "../tar/unpack.ts";
import type { Bytes } from "../types.ts";
import { fileTarget } from "../workenv/unpacking/extract-slot.ts";

/** What files are made of does not matter to an imagined tree. */
const ANYTHING: Bytes = new Uint8Array(1024 * 1024);

/** Tells a tree of a slot that is one file. Throws what unpacking it would throw. */
export function enterFile(slot: Slot, tree: ImaginedTree): void {
  fill(tree.openFile(fileTarget(slot), slot.mode, 0), slot.entry.originalSize as number);
}

/**
 * Tells a tree what the parts of one archive hold, part by part in their order, without their bodies. Throws what unpacking
 * the archive would throw, and an Error for more entries than an archive may have.
 */
export function partEnterer(tree: ImaginedTree, place: Rename): (part: Iterable<EntryFacts>) => void {
  let entries = 0;
  const enter = (header: EntryFacts): void => {
    const sink = placeEntry(header, tree, place);
    if (sink !== undefined) fill(sink, header.size);
  };
  const enterAll = (part: Iterable<EntryFacts>): void => {
    for (const header of part) {
      if (++entries > MAX_ENTRIES) throw new Error("an archive has too many entries");
      enter(header);
    }
  };
  shortLived({ enter, enterAll });
  return enterAll;
}

function fill(sink: EntrySink, size: number): void {
  for (let left = size; left > 0; left -= ANYTHING.length)
    sink.write(left < ANYTHING.length ? ANYTHING.subarray(0, left) : ANYTHING);
  sink.close();
}

shortLived({ fill });
