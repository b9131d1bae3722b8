import { openFileSource, streamRange } from "../format/io/byte-source.ts";
import type { Replacement } from "../format/io/replacement.ts";
import type { Bytes } from "../format/types.ts";
import { sha256Stream } from "../format/wire/hashes.ts";
import { inTurns } from "./in-turns.ts";
import type { CachedSlot } from "./slot-cache/slot-cache.ts";
import type { Witness } from "./witness.ts";

/**
 * Appends what an earlier build has made of a slot to a file. False, and nothing was appended, when it is not what its name
 * says, or gone.
 */
export async function appendKept(
  { path, version }: CachedSlot,
  file: Replacement,
  witness: Witness | undefined,
): Promise<boolean> {
  const start = file.written;
  const hash = sha256Stream();
  const isRead = await readKept(path, version.size, (piece) => {
    hash.update(piece);
    witness?.note(piece, file.written);
    file.write(piece);
  });
  if (isRead && hash.hex() === version.stored) return true;
  file.skipTo(start);
  return false;
}

/** Whether a file of this size is there and can be read. Throws only what `use` throws. */
async function readKept(path: string, size: number, use: (piece: Bytes) => void): Promise<boolean> {
  using source = await orNothing(() => openFileSource(path));
  if (source?.size !== size) return false;
  const pieces = inTurns(streamRange(source, 0, size, "passing"))[Symbol.asyncIterator]();
  for (let at = 0; at < size;) {
    const next = await orNothing(() => pieces.next());
    if (next === undefined || next.done === true) return false;
    use(next.value);
    at += next.value.length;
  }
  return true;
}

/** What cannot be read is gone in this moment, or damaged: a cache fails nobody. */
async function orNothing<T>(work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch {
    return undefined;
  }
}
