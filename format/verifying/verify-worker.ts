import { fileSource } from "../io/byte-source.ts";
import { stoppable, taskOfThread } from "../threads.ts";
import type { Sha256, Span } from "../types.ts";
import type { FramePlace, SlotFrame } from "../workenv/unpacking/slot-frames.ts";
import { type EntryList, listEntries } from "./entry-list.ts";
import { frameReader } from "./frame-entries.ts";
import { readAlone } from "./read-alone.ts";

/** Work for one thread. */
export type VerifyJob =
  | { readonly kind: "digest"; readonly part: Span }
  /** What the archive in a frame of a slot holds. What is inside of a long file is another one's job. */
  | { readonly kind: "entries"; readonly frame: SlotFrame }
  /** Whether a frame with some of a file decodes to what its table says. */
  | { readonly kind: "content"; readonly frame: FramePlace };

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
/** How many jobs leave nothing in memory: the digests, and the frames whose entries were used. */
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
    const frames = frameReader(source);
    for (let job = take(board); job < jobs.length; job = take(board)) {
      waitForTurn(job, board);
      const what = jobs[job] as VerifyJob;
      switch (what.kind) {
        case "digest":
          report({ job, digest: await readAlone(source).digestOf(what.part) });
          break;
        case "entries":
          report({ job, entries: listEntries(await frames.entriesAround(what.frame)) });
          break;
        case "content":
          await frames.check(what.frame);
          report({ job, entries: listEntries([]) });
          break;
        default:
          what satisfies never;
      }
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

/** The whole life of a thread: one task comes, reports go. */
export async function runVerifyWorker(): Promise<void> {
  await work(await taskOfThread<VerifyTask>(), postMessage);
}
