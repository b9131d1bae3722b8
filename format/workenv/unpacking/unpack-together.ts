import { availableParallelism } from "node:os";
import { removeTree } from "../../io/remove-tree.ts";
import type { Package, Slot } from "../../reader.ts";
import { READY, startThreads } from "../../threads.ts";
import { mergeReports } from "./merge-reports.ts";
import { groupSlots } from "./slot-groups.ts";
import { unpackSlots } from "./unpack.ts";
import { sharedFiles } from "./shared-file.ts";
import { blocksOf, boardOf, boardSize, isLong, jobsOf, piecesOf, type UnpackJob } from "./unpack-jobs.ts";
import { type Done, type UnpackReport, type UnpackTask, work } from "./unpack-worker.ts";
import type { Unpacked } from "./unpacked.ts";

/** Threads that can help to unpack. */
export interface Crew {
  /** Starts a thread that runs `runUnpackWorker`. */
  readonly start: () => Worker;
  /** Told how it went. */
  readonly tell: (line: string) => void;
  /** When this is aborted, nothing is written any more as soon as its listeners were told, and nothing done again. */
  readonly aborted?: AbortSignal | undefined;
}

/** Below this many bytes threads cost more than they bring: each starts in 10 ms, and its code is slow at first. */
const WORTH_IT = 16 * 1024 * 1024;
/** Every thread has its decoders' memory, and a disk gets no faster by more of them. */
const MOST_THREADS = 4;
/** Milliseconds from one word about how the others get on to the next. */
const TELLING_MS = 100;
const TURN_MS = 500;

/**
 * Unpacks slots as `unpackSlots` does, but in no order, which is quicker: slots whose targets do not meet, and the frames
 * of a slot; of large packages in several threads. `root` is not there yet or empty. When anything goes wrong, whatever it is,
 * all of it is thrown away and done again in order: so the result, or the error, is always the one that
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
  const jobs = await jobsOf(pkg.source, groups);
  const threads = size < WORTH_IT ? 1 : threadsFor(piecesOf(jobs), availableParallelism());
  const workers = startAll(threads - 1, crew);
  try {
    const reports = await share(pkg, jobs, root, { workers, onBytes, aborted: crew.aborted });
    crew.aborted?.throwIfAborted();
    const unpacked = mergeReports(pkg.metadata, reports.map(done), root);
    if (workers.length > 0) crew.tell(`unpacked by ${workers.length + 1} threads`);
    return unpacked;
  } catch (error) {
    crew.aborted?.throwIfAborted();
    crew.tell(`unpacking again, one thing after the other: ${String(error)}`);
    removeTree(root);
    return alone();
  }
}

/** None where one cannot be started. */
function startAll(count: number, { start, tell }: Crew): readonly Worker[] {
  try {
    return startThreads(count, start);
  } catch (error) {
    tell(`unpacking without threads: ${String(error)}`);
    return [];
  }
}

function done(report: UnpackReport): Done {
  if ("failure" in report) throw new Error(report.failure);
  return report;
}

/** How many threads are to share so many jobs, this one included. */
export const threadsFor = (jobs: number, cores: number): number =>
  Math.max(1, Math.min(jobs, cores, MOST_THREADS));

/** Works with other threads and waits for the work of each: afterwards nobody writes below `root` any more. */
async function share(
  { source }: Package,
  jobs: readonly UnpackJob[],
  root: string,
  {
    workers,
    onBytes,
    aborted,
  }: {
    readonly workers: readonly Worker[];
    readonly onBytes: ((count: number) => void) | undefined;
    readonly aborted: Crew["aborted"];
  },
): Promise<readonly UnpackReport[]> {
  const blocks = blocksOf(jobs, workers.length + 1);
  const shared = new SharedArrayBuffer(boardSize(blocks.length));
  const { fd = -1, name, size } = source;
  const files = sharedFiles(jobs.filter(isLong).length);
  const task = { fd, name, size, root, jobs, blocks, shared, files };
  const { stop, waitForOthers, takeUnpacked } = boardOf(shared);
  const abort = () => {
    stop();
    waitForOthers();
  };
  aborted?.addEventListener("abort", abort);
  if (aborted?.aborted) stop();
  const tell = onBytes && (() => onBytes(takeUnpacked()));
  const telling = tell && setInterval(tell, TELLING_MS);
  let waiting = workers.length;
  let turned = performance.now();
  /** Lets the event loop turn while threads wait for their tasks, and else often enough for the heartbeat of a lock. */
  const turn = (): Promise<void> | undefined => {
    if (waiting === 0 && performance.now() - turned < TURN_MS) return undefined;
    turned = performance.now();
    return new Promise((resume) => setImmediate(resume));
  };
  try {
    const reports = workers.map(async (worker, i) => {
      const { report, ready } = hire(worker, { ...task, own: i + 1 });
      await ready;
      waiting--;
      const its = await report;
      if ("failure" in its) stop();
      return its;
    });
    return await Promise.all([work({ ...task, own: 0 }, { turn, onProgress: tell }), ...reports]);
  } finally {
    aborted?.removeEventListener("abort", abort);
    clearInterval(telling);
    tell?.();
  }
}

/** Gives a thread its task as soon as it is ready. Both promises come true also if it ends before. */
function hire(
  thread: Worker,
  task: UnpackTask,
): { readonly ready: Promise<void>; readonly report: Promise<UnpackReport> } {
  const ready = Promise.withResolvers<void>();
  const end = Promise.withResolvers<UnpackReport>();
  let failure = "a thread ended without a word";
  thread.addEventListener("message", ({ data }: MessageEvent<UnpackReport | typeof READY>) => {
    if (data === READY) {
      thread.postMessage(task);
      ready.resolve();
    } else end.resolve(data);
  });
  thread.addEventListener("error", (event) => {
    event.preventDefault();
    failure = event.message;
  });
  thread.addEventListener("close", () => {
    ready.resolve();
    end.resolve({ failure });
  });
  return { ready: ready.promise, report: end.promise };
}
