import type { ByteSource } from "./io/byte-source.ts";

/** What a thread says first. Bun 1.4.5 drops messages that come while a thread still loads its modules. */
export const READY = "ready";

/** In a thread: says that it is ready, and waits for its task. */
export const taskOfThread = <Task>(): Promise<Task> =>
  new Promise((resolve) => {
    addEventListener("message", ({ data }: MessageEvent<Task>) => resolve(data), { once: true });
    postMessage(READY);
  });

/** A thread that is at work so many milliseconds after all were stopped is gone, whatever became of it. */
export const LOST_MS = 5000;

/** Starts all threads or none: throws where one cannot be started, and those that wait already get no work. */
export function startThreads(count: number, start: () => Worker): readonly Worker[] {
  const threads: Worker[] = [];
  try {
    while (threads.length < count) threads.push(start());
    return threads;
  } catch (error) {
    // Not ended: Bun 1.4.5 sometimes aborts when a young thread is. They wait for work until this process has gone.
    for (const thread of threads) thread.unref();
    throw error;
  }
}

/** A source that fails as soon as somebody has failed: what its readers make will not be used. */
export const stoppable = (source: ByteSource, isStopped: () => boolean): ByteSource => ({
  ...source,
  async read(at, length, into) {
    if (isStopped()) throw new Error("what this thread does will not be used");
    return source.read(at, length, into);
  },
});
