import type { ByteSource } from "../io/byte-source.ts";
import type { Sha256 } from "../types.ts";
import type { EntryList } from "./entry-list.ts";
import { READY, startThreads } from "../threads.ts";
import {
  SETTLED,
  SHARED_NUMBERS,
  STOPPED,
  type VerifyJob,
  type VerifyReport,
  type VerifyTask,
} from "./verify-worker.ts";

/** Threads at work. What they are asked for throws when one of them has failed. */
export interface Readers {
  digest(job: number): Promise<Sha256>;
  /** To be asked for in the order of the jobs, each once. */
  entries(job: number): Promise<EntryList>;
  /** Waits until no thread reads any more; those that still would are stopped. */
  end(): Promise<void>;
}

interface Staff {
  readonly threads: number;
  readonly startThread: () => Worker;
  /** Told of each job that is done. */
  readonly onJob: (job: VerifyJob) => void;
}

/** Starts threads that do all jobs, of which the first are digests, and the others are not. Throws when one cannot be started. */
export function startReaders(
  { fd = -1, name, size }: ByteSource,
  jobs: readonly VerifyJob[],
  digests: number,
  { threads: count, startThread, onJob }: Staff,
): Readers {
  const shared = new SharedArrayBuffer(SHARED_NUMBERS * Int32Array.BYTES_PER_ELEMENT);
  const board = new Int32Array(shared);
  Atomics.store(board, SETTLED, digests);
  const done = new Map<number, VerifyReport>();
  let failure: string | undefined;
  let news = Promise.withResolvers<void>();
  const tell = (report: VerifyReport): void => {
    if ("failure" in report) failure ??= report.failure;
    else {
      done.set(report.job, report);
      onJob(jobs[report.job] as VerifyJob);
    }
    news.resolve();
    news = Promise.withResolvers();
  };
  const threads = startThreads(count, startThread);
  const task: VerifyTask = { fd, name, size, jobs, shared };
  const ends = threads.map((thread) => endOf(thread, task, tell));

  async function resultOf(job: number): Promise<VerifyReport> {
    for (;;) {
      if (failure !== undefined) throw new Error(failure);
      const report = done.get(job);
      if (report !== undefined) return report;
      await news.promise;
    }
  }
  return {
    async digest(job) {
      return ((await resultOf(job)) as { digest: Sha256 }).digest;
    },
    async entries(job) {
      const report = await resultOf(job);
      done.delete(job);
      Atomics.add(board, SETTLED, 1);
      Atomics.notify(board, SETTLED);
      return (report as { entries: EntryList }).entries;
    },
    async end() {
      Atomics.store(board, STOPPED, 1);
      Atomics.notify(board, SETTLED);
      await Promise.all(ends);
    },
  };
}

/** Gives a thread its task, passes on what it reports, and whether it has ended too early. */
const endOf = (thread: Worker, task: VerifyTask, tell: (report: VerifyReport) => void): Promise<void> =>
  new Promise((resolve) => {
    let failure: string | undefined = "a thread ended without a word";
    thread.addEventListener("message", ({ data }: MessageEvent<VerifyReport | typeof READY>) => {
      if (data === READY) thread.postMessage(task);
      else if ("failure" in data) failure = data.failure;
      else tell(data);
    });
    thread.addEventListener("error", (event) => {
      event.preventDefault();
      failure = event.message;
    });
    thread.addEventListener("close", () => {
      tell({ failure });
      resolve();
    });
  });
