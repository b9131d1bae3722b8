import { openFileSource, streamRange } from "../format/io/byte-source.ts";
import type { Replacement } from "../format/io/replacement.ts";
import type { Bytes } from "../format/types.ts";
import { sha256Stream } from "../format/wire/hashes.ts";
import { inTurns } from "./in-turns.ts";
import type { CachedSlot } from "./slot-cache/slot-cache.ts";
import { openWitness, type Witness } from "./witness.ts";

/** Stored bytes of an earlier build that were found to have the digest which names them. */
export interface KeptBytes {
  /** Appends them to a file; false, and nothing was appended, when they are not what they were any more. */
  appendTo(file: Replacement, witness: Witness | undefined): Promise<boolean>;
}

/**
 * Reads what is kept of a slot while others are encoded: only when those are written is it known where it goes. Undefined
 * when it is not what its name says, or gone.
 */
export async function checkKept({ path, version }: CachedSlot): Promise<KeptBytes | undefined> {
  const seen = openWitness();
  const hash = sha256Stream();
  const isRead = await readKept(path, version.size, (piece, at) => {
    hash.update(piece);
    seen.note(piece, at);
    return true;
  });
  if (!isRead || hash.hex() !== version.stored) return undefined;
  return {
    async appendTo(file, witness) {
      const start = file.written;
      const isSame = await readKept(path, version.size, (piece, at) => {
        if (!seen.isNoted(piece, at)) return false;
        witness?.note(piece, file.written);
        file.write(piece);
        return true;
      });
      if (!isSame) file.skipTo(start);
      return isSame;
    },
  };
}

/** Whether a file of this size is there and can be read, and `use` likes all of it. Throws only what that throws. */
async function readKept(
  path: string,
  size: number,
  use: (piece: Bytes, at: number) => boolean,
): Promise<boolean> {
  using source = await orNothing(() => openFileSource(path));
  if (source?.size !== size) return false;
  const pieces = inTurns(streamRange(source, 0, size, "passing"))[Symbol.asyncIterator]();
  for (let at = 0; at < size;) {
    const next = await orNothing(() => pieces.next());
    if (next === undefined || next.done === true || !use(next.value, at)) return false;
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
