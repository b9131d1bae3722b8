import { availableParallelism } from "node:os";
import { removeTree } from "../../io/remove-tree.ts";
import type { Package, Slot } from "../../reader.ts";
import { mergeReports } from "./merge-reports.ts";
import { groupSlots } from "./slot-groups.ts";
import { unpackSlots } from "./unpack.ts";
import { blocksOf, boardOf, boardSize, jobsOf, type UnpackJob } from "./unpack-jobs.ts";
import { type Done, type SentReport, type UnpackReport, type UnpackTask, work } from "./unpack-worker.ts";
import { rowsIn, type Unpacked } from "./unpacked.ts";

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
/** Milliseconds from one word about how the others get on to the next. */
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
  const workers = threads < 2 ? undefined : startAll(threads - 1, crew);
  if (workers === undefined) return alone();
  try {
    const reports = await share(pkg, jobs, root, { workers, onBytes });
    const unpacked = mergeReports(pkg.metadata, reports.map(done), root);
    crew.tell(`unpacked by ${threads} threads`);
    return unpacked;
  } catch (error) {
    crew.tell(`unpacking again without threads: ${String(error)}`);
    removeTree(root);
    return alone();
  }
}

/** No threads where one cannot be started: those that wait already get no work. */
function startAll(count: number, { start, tell }: Crew): readonly Worker[] | undefined {
  const workers: Worker[] = [];
  try {
    while (workers.length < count) workers.push(start());
    return workers;
  } catch (error) {
    tell(`unpacking without threads: ${String(error)}`);
    // Not ended: Bun 1.4.5 sometimes aborts when a young thread is. They wait for work until this process has gone.
    for (const worker of workers) worker.unref();
    return undefined;
  }
}

function done(report: UnpackReport): Done {
  if ("failure" in report) throw new Error(report.failure);
  return report;
}

/** How many threads are to share so many jobs, this one included; less than two is no sharing. */
export const threadsFor = (jobs: number, cores: number): number => Math.min(jobs, cores, MOST_THREADS);

/** Works with other threads and waits for the end of each: afterwards nobody writes below `root` any more. */
async function share(
  { source }: Package,
  jobs: readonly UnpackJob[],
  root: string,
  {
    workers,
    onBytes,
  }: { readonly workers: readonly Worker[]; readonly onBytes: ((count: number) => void) | undefined },
): Promise<readonly UnpackReport[]> {
  const blocks = blocksOf(jobs, workers.length + 1);
  const shared = new SharedArrayBuffer(boardSize(blocks.length));
  const { fd = -1, name, size } = source;
  const task = { fd, name, size, root, jobs, blocks, shared };
  const { stop, takeUnpacked } = boardOf(shared);
  const tell = onBytes && (() => onBytes(takeUnpacked()));
  const telling = tell && setInterval(tell, TELLING_MS);
  try {
    const reports = workers.map((worker, i) => reportOf(worker, { ...task, own: i + 1 }, stop));
    return await Promise.all([work({ ...task, own: 0 }, tell), ...reports]);
  } finally {
    clearInterval(telling);
    tell?.();
  }
}

const reportOf = (thread: Worker, task: UnpackTask, stop: () => void): Promise<UnpackReport> =>
  new Promise((resolve) => {
    let report: UnpackReport = { failure: "a thread ended without a word" };
    thread.addEventListener("message", ({ data }: MessageEvent<SentReport>) => {
      report = "failure" in data ? data : { ...data, rows: rowsIn(data.rows) };
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
