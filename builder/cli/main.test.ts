import { expect, test } from "bun:test";
import { closeSync, fstatSync, openSync } from "node:fs";
import { join } from "node:path";
import type { ByteCount } from "../../format/types.ts";
import { READY, SHARED_NUMBERS, type VerifyTask } from "../../format/verifying/verify-worker.ts";
import { sha256Hex } from "../../format/wire/hashes.ts";

const MAIN = join(import.meta.dir, "main.ts");

test("in a thread of its own, the program reads for the first one", async () => {
  const fd = openSync(MAIN, "r");
  const { size } = fstatSync(fd);
  const part = { offset: 0 as ByteCount, size: size as ByteCount };
  const shared = new SharedArrayBuffer(SHARED_NUMBERS * Int32Array.BYTES_PER_ELEMENT);
  const thread = new Worker(MAIN);
  const reports: unknown[] = [];
  const task: VerifyTask = { fd, name: MAIN, size, jobs: [{ kind: "digest", part }], shared };
  thread.addEventListener("message", ({ data }) => {
    if (data === READY) thread.postMessage(task);
    else reports.push(data);
  });
  await new Promise((resolve) => thread.addEventListener("close", resolve));
  closeSync(fd);
  const digest = sha256Hex(await Bun.file(MAIN).bytes());
  expect(reports).toEqual([{ job: 0, digest }, { failure: undefined }]);
});
