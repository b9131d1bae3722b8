import { openFileSource } from "../format/io/byte-source.ts";
import type { Replacement } from "../format/io/replacement.ts";
import type { Bytes } from "../format/types.ts";
import { inTurns } from "./in-turns.ts";
import { piecesAsPrinted } from "./prints.ts";
import type { CachedSlot } from "./slot-cache/slot-cache.ts";

/**
 * Appends what an earlier build has made of a slot to a file. False, and nothing was appended, when it is not what its prints
 * say, or gone. No digest is made: that it is the one by which the bytes are kept, prints say that were made with it.
 */
export async function appendKept(cached: CachedSlot, file: Replacement): Promise<boolean> {
  const start = file.written;
  await readKept(cached, (piece) => file.write(piece));
  if (file.written - start === cached.version.size) return true;
  file.skipTo(start);
  return false;
}

/** Reads a file of this size for as long as it can be read, and is what it was. Throws only what `use` throws. */
async function readKept({ path, version, prints }: CachedSlot, use: (piece: Bytes) => void): Promise<void> {
  using source = await orNothing(() => openFileSource(path));
  if (source?.size !== version.size) return;
  const pieces = inTurns(piecesAsPrinted(source, 0, prints))[Symbol.asyncIterator]();
  for (;;) {
    const next = await orNothing(() => pieces.next());
    if (next === undefined || next.done === true) return;
    use(next.value);
  }
}

/** What cannot be read is gone in this moment, or damaged: a cache fails nobody. */
async function orNothing<T>(work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch {
    return undefined;
  }
}
