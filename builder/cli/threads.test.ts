import { expect, test } from "bun:test";
import { READY } from "../../format/threads.ts";
import { SHARED_NUMBERS } from "../../format/verifying/verify-worker.ts";
import { boardSize } from "../../format/workenv/unpacking/unpack-jobs.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";

// A thread of the command line is this program once more, which is told what it is for.

const MAIN = new URL("main.ts", import.meta.url).href;

/** What a thread reports of a task without jobs. */
function reportOf(work: string, task: object): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const thread = new Worker(MAIN, { argv: [work] });
  thread.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    if (data === READY) thread.postMessage({ fd: -1, name: "", size: 0, jobs: [], ...task });
    else resolve(data);
  });
  thread.addEventListener("error", ({ message }) => reject(new Error(message)));
  return promise;
}

test("one for verifying", async () => {
  const shared = new SharedArrayBuffer(SHARED_NUMBERS * Int32Array.BYTES_PER_ELEMENT);
  expect(await reportOf("verify", { shared })).toEqual({ failure: undefined });
});

test("one for unpacking", async () => {
  using dir = tempDir();
  const [shared, files] = [new SharedArrayBuffer(boardSize(1)), new SharedArrayBuffer(0)];
  const blocks = [{ start: 0, end: 0 }];
  const report = await reportOf("unpack", { root: dir.path, blocks, own: 0, shared, files });
  expect(report).toMatchObject({ links: [], found: [], implied: [] });
});
