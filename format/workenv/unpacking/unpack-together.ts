import { availableParallelism } from "node:os";
import { removeTree } from "../../io/remove-tree.ts";
import type { Package, Slot } from "../../reader.ts";
import { mergeReports } from "./merge-reports.ts";
import { groupSlots } from "./slot-groups.ts";
import { type Unpacked, unpackSlots } from "./unpack.ts";
import { blocksOf, jobsOf, type UnpackJob } from "./unpack-jobs.ts";
import {
  type Done,
  sharedNumbers,
  STOPPED,
  UNPACKED,
  type UnpackReport,
  type UnpackTask,
} from "./unpack-worker.ts";

/** Threads that can help to unpack. */
export interface Crew {
  /** Starts a thread that runs `runUnpackWorker`. */
  readonly start: () => Worker;
  /** Told how it went. */
  readonly tell: (line: string) => void;
}

/** Below this many bytes threads cost more than they bring: each starts in 5 ms, and its code is slow at first. */
const WORTH_IT = 32 * 1024 * 1024;
/** Every thread has its decoders' memory, and a disk gets no faster by more of them. */
const MOST_THREADS = 4;
/** Milliseconds from one word about how it gets on to the next. */
const TELLING_MS = 100;

/**
 * Unpacks slots as `unpackSlots` does, in several threads where that is quicker: slots whose targets do not meet, and the
 * frames of a slot, at the same time. `root` is not there yet or empty. When anything goes wrong in a thread, whatever it
 * is, all of it is thrown away and done again without threads: so the result, or the error, is always the one that
 * `unpackSlots` gives. `onBytes` is told of the content as it is unpacked, also of what is thrown away.
 */
export async function unpackTogether(
  pkg: Package,
  slots: readonly Slot[],
  root: string,
  crew: Crew | undefined,
  onBytes?: (count: number) => void,
): Promise<Unpacked> {
  const alone = () => unpackSlots(pkg, slots, root, undefined, onBytes);
  if (crew === undefined || pkg.source.fd === undefined) return alone();
  const groups = groupSlots(slots);
  const size = groups.reduce((sum, group) => sum + group.size, 0);
  const jobs = size < WORTH_IT ? [] : await jobsOf(pkg.source, groups);
  const threads = threadsFor(jobs.length, availableParallelism());
  const workers = threads < 2 ? [] : startAll(threads, crew);
  if (workers.length === 0) return alone();
  try {
    const unpacked = mergeReports(
      pkg.metadata,
      (await share(pkg, jobs, root, workers, onBytes)).map(done),
      root,
    );
    crew.tell(`unpacked by ${threads} threads`);
    return unpacked;
  } catch (error) {
    crew.tell(`unpacking again without threads: ${String(error)}`);
    removeTree(root);
    return alone();
  }
}

/** No threads where one cannot be started: those that wait already get no work. */
function startAll(count: number, { start, tell }: Crew): readonly Worker[] {
  const workers: Worker[] = [];
  try {
    while (workers.length < count) workers.push(start());
    return workers;
  } catch (error) {
    tell(`unpacking without threads: ${String(error)}`);
    // Not ended: Bun 1.4.5 sometimes aborts when a young thread is. They wait for work until this process has gone.
    for (const worker of workers) worker.unref();
    return [];
  }
}

function done(report: UnpackReport): Done {
  if ("failure" in report) throw new Error(report.failure);
  return report;
}

/** How many threads to start for so many jobs; less than two is none. */
export const threadsFor = (jobs: number, cores: number): number => Math.min(jobs, cores, MOST_THREADS);

/** Has threads do the work and waits for the end of each: afterwards nobody writes below `root` any more. */
async function share(
  { source }: Package,
  jobs: readonly UnpackJob[],
  root: string,
  threads: readonly Worker[],
  onBytes?: (count: number) => void,
): Promise<readonly UnpackReport[]> {
  const shared = new SharedArrayBuffer(sharedNumbers(threads.length) * Int32Array.BYTES_PER_ELEMENT);
  const { fd = -1, name, size } = source;
  const blocks = blocksOf(jobs, threads.length);
  const board = new Int32Array(shared);
  const stop = () => Atomics.store(board, STOPPED, 1);
  const tell = () => onBytes?.(Atomics.exchange(board, UNPACKED, 0));
  const telling = setInterval(tell, TELLING_MS);
  try {
    return await Promise.all(
      threads.map((thread, own) =>
        reportOf(thread, { fd, name, size, root, jobs, blocks, own, shared }, stop),
      ),
    );
  } finally {
    clearInterval(telling);
    tell();
  }
}

const reportOf = (thread: Worker, task: UnpackTask, stop: () => void): Promise<UnpackReport> =>
  new Promise((resolve) => {
    let report: UnpackReport = { failure: "a thread ended without a word" };
    thread.addEventListener("message", ({ data }: MessageEvent<UnpackReport>) => {
      report = data;
    });
    thread.addEventListener("error", (event) => {
      event.preventDefault();
      report = { failure: event.message };
    });
    thread.addEventListener("close", () => {
      if ("failure" in report) stop();
      resolve(report);
    });
    thread.postMessage(task);
  });
