import { zstdDecompressSync } from "node:zlib";
import { fromBytes } from "../codecs/streams.ts";
import { zstd } from "../codecs/zstd.ts";
import { wholeFrames } from "../codecs/zstd-frames.ts";
import { type ByteSource, fileSource, streamRange } from "../io/byte-source.ts";
import type { TarHeader } from "../tar/tar-entry.ts";
import { tarParser } from "../tar/tar-parser.ts";
import type { ByteStream, Sha256, Span } from "../types.ts";
import type { SlotFrame } from "../workenv/unpacking/slot-frames.ts";
import { type EntryList, listEntries } from "./entry-list.ts";
import { readAlone } from "./read-alone.ts";

/** Work for one thread. */
export type VerifyJob =
  | { readonly kind: "digest"; readonly part: Span }
  /** What the archive in a frame of a slot holds. */
  | { readonly kind: "entries"; readonly frame: SlotFrame };

/** What threads are to do together. */
export interface VerifyTask {
  /** The package, open in this process. */
  readonly fd: number;
  readonly name: string;
  readonly size: number;
  readonly jobs: readonly VerifyJob[];
  /** Numbers that all threads share: `STOPPED`, `TAKEN` and `SETTLED`. */
  readonly shared: SharedArrayBuffer;
}

/** What came of a job, by its number; at last that no job is left, or why this thread gave up. */
export type VerifyReport =
  | { readonly job: number; readonly digest: Sha256 }
  | { readonly job: number; readonly entries: EntryList }
  | { readonly failure: string | undefined };

/** Not 0: somebody failed, and what the others do will not be used. */
export const STOPPED = 0;
/** How many jobs were taken. */
export const TAKEN = 1;
/** How many jobs are done whose results are not needed any more, or will be few bytes. */
export const SETTLED = 2;
export const SHARED_NUMBERS = 3;

/** How many jobs threads are ahead of those that are settled, at most: results wait in memory. */
const AHEAD = 16;

/** Does jobs until none is left or somebody fails. Never throws: what happened is in the last report. */
export async function work(
  { fd, name, size, jobs, shared }: VerifyTask,
  report: (report: VerifyReport) => void,
): Promise<void> {
  const board = new Int32Array(shared);
  try {
    const source = stoppable(fileSource(fd, name, size), () => Atomics.load(board, STOPPED) !== 0);
    for (let job = take(board); job < jobs.length; job = take(board)) {
      waitForTurn(job, board);
      report(await resultOf(job, jobs[job] as VerifyJob, source));
    }
    report({ failure: undefined });
  } catch (error) {
    Atomics.store(board, STOPPED, 1);
    report({ failure: String(error) });
  }
}

const take = (board: Int32Array): number => Atomics.add(board, TAKEN, 1);

/** Waits until a job is not too far ahead of what is settled. */
function waitForTurn(job: number, board: Int32Array): void {
  for (;;) {
    const settled = Atomics.load(board, SETTLED);
    if (job < settled + AHEAD || Atomics.load(board, STOPPED) !== 0) return;
    Atomics.wait(board, SETTLED, settled, 1000);
  }
}

async function resultOf(job: number, what: VerifyJob, source: ByteSource): Promise<VerifyReport> {
  switch (what.kind) {
    case "digest":
      return { job, digest: await readAlone(source).digestOf(what.part) };
    case "entries":
      return { job, entries: await entriesIn(source, what.frame) };
    default:
      return what satisfies never;
  }
}

/** Throws for everything that could be wrong with a frame, and for what could mean something else in the whole archive. */
async function entriesIn(source: ByteSource, frame: SlotFrame): Promise<EntryList> {
  const headers: TarHeader[] = [];
  const visitor = {
    entry(header: TarHeader) {
      headers.push(header);
      return undefined;
    },
  };
  const parser = tarParser(visitor, { ending: frame.isLast ? "marked" : "open" });
  let size = 0;
  for await (const piece of contentOf(source, frame)) {
    size += piece.length;
    parser.push(piece);
  }
  parser.end();
  if (size !== frame.content) throw new Error("a frame is not as long as the seek table says");
  return listEntries(headers);
}

/** Frames up to this size are decoded at once; our builder makes larger ones for single large files only. */
const AT_ONCE = 16 * 1024 * 1024;

async function* contentOf(source: ByteSource, { offset, size, content }: SlotFrame): ByteStream {
  if (content > AT_ONCE || size > AT_ONCE)
    return yield* zstd.decode(streamRange(source, offset, size, "passing"));
  const stored = await source.read(offset, size);
  const limits = { maxOutputLength: Math.max(1, content), chunkSize: Math.max(64, content) };
  yield* wholeFrames(fromBytes(stored, stored.length), async function* (frames): ByteStream {
    for await (const frame of frames) {
      const { buffer, byteOffset, length } = zstdDecompressSync(frame, limits);
      yield new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
      // Given back at once: until the collector comes, each frame would need fresh memory. Small ones share theirs.
      if (length >= OWN_BUFFER) (buffer as ArrayBuffer).transfer(0);
    }
  });
}

/** Decoded frames from this size on have memory of their own. */
const OWN_BUFFER = 256 * 1024;

const stoppable = (source: ByteSource, isStopped: () => boolean): ByteSource => ({
  ...source,
  async read(at, length, into) {
    if (isStopped()) throw new Error("what this thread does will not be used");
    return source.read(at, length, into);
  },
});

/** The whole life of a thread: one task comes, reports go. */
export async function runVerifyWorker(): Promise<void> {
  const task = await new Promise<VerifyTask>((resolve) => {
    addEventListener("message", ({ data }: MessageEvent<VerifyTask>) => resolve(data), { once: true });
  });
  await work(task, postMessage);
}
