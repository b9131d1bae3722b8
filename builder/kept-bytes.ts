import { type ByteSource, openFileSource, threadedSource } from "../format/io/byte-source.ts";
import type { Replacement } from "../format/io/replacement.ts";
import type { Bytes } from "../format/types.ts";
import { hasPrints, type Print, RUN, runsOf, totalOf } from "./prints.ts";
import type { CachedSlot } from "./slot-cache/slot-cache.ts";

/** This thread, which lets all others have their turns, or threads of the runtime, for when they have nothing else to do. */
export type Copyist = "this thread" | "idle threads";

/**
 * Appends what an earlier build has made of a slot to a file. False, and nothing was appended, when it is not what its prints
 * say, or gone. No digest is made: that it is the one by which the bytes are kept, prints say that were made with it.
 */
export async function appendKept(cached: CachedSlot, file: Replacement, by: Copyist): Promise<boolean> {
  const { path, version, prints } = cached;
  using source = await orNothing(() => openFileSource(path));
  if (source?.size !== version.size) return false;
  const start = file.written;
  const isWhole =
    by === "idle threads"
      ? await copy(threadedSource(source), prints, LANES, (piece, at) => file.writeBeside(piece, start + at))
      : await copy(source, prints, 1, (piece, at) => inTurn(() => file.writeAt(piece, start + at)));
  file.skipTo(start + version.size);
  if (!isWhole) file.skipTo(start);
  return isWhole;
}

/** Two threads have something to do while this one makes prints. */
const LANES = 3;

/** False when something is not what its prints say, or cannot be read. Throws only what `write` throws. */
async function copy(
  source: ByteSource,
  prints: readonly Print[],
  lanes: number,
  write: (piece: Bytes, at: number) => Promise<void>,
): Promise<boolean> {
  const runs = runsOf(prints).values();
  let next = 0;
  let isGood = true;
  const lane = async (): Promise<void> => {
    const memory = new Uint8Array(RUN);
    for (const run of runs) {
      const [at, size] = [next, totalOf(run)];
      next += size;
      const piece = await orNothing(() => source.read(at, size, memory));
      isGood &&= piece !== undefined && hasPrints(piece, run);
      if (piece === undefined || !isGood) return;
      await write(piece, at);
    }
  };
  // Nobody may write any more when one of them has failed.
  const outcomes = await Promise.allSettled(Array.from({ length: lanes }, lane));
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  return isGood;
}

async function inTurn(work: () => void): Promise<void> {
  work();
  await new Promise((resume) => setImmediate(resume));
}

/** What cannot be read is gone in this moment, or damaged: a cache fails nobody. */
async function orNothing<T>(work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch {
    return undefined;
  }
}
