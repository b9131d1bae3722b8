import { expect, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { packageBytes, treeSlot } from "../../../tests/support/packages.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { openFileSource } from "../../io/byte-source.ts";
import { removeTree } from "../../io/remove-tree.ts";
import { openPackage, type Package } from "../../reader.ts";
import { READY } from "../../threads.ts";
import { unpackSlots } from "./unpack.ts";
import { boardOf, boardSize } from "./unpack-jobs.ts";
import { threadsFor, unpackTogether } from "./unpack-together.ts";

const canUseThreads = availableParallelism() > 1;
if (!canUseThreads) process.stderr.write("skipped: threads, there is one processor only\n");

const THREAD = new URL("../../../tests/support/unpack-thread.ts", import.meta.url).href;
const LARGE = 20_000_000;

/** A package of three folders that says of itself that it is large. */
async function withPackage(work: (pkg: Package, dir: string) => Promise<void>, size = LARGE): Promise<void> {
  using dir = tempDir();
  const names = ["a", "b", "c"];
  for (const name of names) {
    mkdirSync(join(dir.path, name, "sub"), { recursive: true });
    writeFileSync(join(dir.path, name, "sub", "file"), new Uint8Array(size).fill(name.charCodeAt(0)));
  }
  const path = join(dir.path, "app.psp");
  const slots = names.map((name) => treeSlot(name, join(dir.path, name), { target: `lib/${name}` }));
  writeFileSync(path, await packageBytes({ slots, level: 1 }));
  using source = openFileSource(path);
  await work(await openPackage(source), dir.path);
}

const treeOf = (root: string) =>
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .toSorted()
    .map((name) => [name, lstatSync(join(root, name)).mode, lstatSync(join(root, name)).size]);

/** The package with other targets: what lies in the archives is no longer below them. */
const withTargets = (pkg: Package, targets: readonly string[]): Package => ({
  ...pkg,
  slots: pkg.slots.map((slot, i) => ({ ...slot, entry: { ...slot.entry, target: targets[i] as string } })),
});

test.if(canUseThreads)("threads write the same tree, and who owns it", async () => {
  await withPackage(async (pkg, dir) => {
    const told: string[] = [];
    const crew = { start: () => new Worker(THREAD), tell: (line: string) => told.push(line) };
    const alone = await unpackSlots(pkg, pkg.slots, join(dir, "alone"));
    const together = await unpackTogether(pkg, pkg.slots, join(dir, "together"), crew);
    expect(told).toEqual([expect.stringMatching(/^unpacked by [23] threads$/)]);
    expect(treeOf(join(dir, "together"))).toEqual(treeOf(join(dir, "alone")));
    expect(new Map([...together.owners].toSorted())).toEqual(new Map([...alone.owners].toSorted()));
  });
});

test.if(canUseThreads)("an archive that goes beside its target is unpacked by one thread", async () => {
  await withPackage(async (pkg, dir) => {
    const told: string[] = [];
    const crew = { start: () => new Worker(THREAD), tell: (line: string) => told.push(line) };
    const strays = withTargets(pkg, ["x/one", "y/two", "z/three"]);
    const { owners } = await unpackTogether(strays, strays.slots, join(dir, "together"), crew);
    expect(told).toEqual([expect.stringMatching(/^unpacking again, one thing after the other: /)]);
    const alone = await unpackSlots(strays, strays.slots, join(dir, "alone"));
    expect(treeOf(join(dir, "together"))).toEqual(treeOf(join(dir, "alone")));
    expect(owners).toEqual(alone.owners);
  });
});

test.if(canUseThreads).each([
  ["ends without a word", "process.exit(1)"],
  ["throws", 'throw new Error("no memory")'],
  ["is no program", "%"],
])("a thread that %s keeps nobody waiting", async (_, text) => {
  await withPackage(async (pkg, dir) => {
    const dying = join(dir, "dying.js");
    writeFileSync(dying, text);
    const told: string[] = [];
    const start = () => new Worker(dying);
    await unpackTogether(pkg, pkg.slots, join(dir, "together"), { start, tell: (line) => told.push(line) });
    expect(told).toEqual([expect.stringMatching(/^unpacking again, one thing after the other: /)]);
    expect(readdirSync(join(dir, "together", "lib"))).toHaveLength(3);
  });
});

// Bun 1.4.5 drops messages that come while a thread still loads its modules: it must not wait for one for ever.
test.if(canUseThreads)("a thread that takes its time to load gets its task", async () => {
  await withPackage(async (pkg, dir) => {
    const slow = join(dir, "slow.js");
    writeFileSync(slow, `await Bun.sleep(300); await import(${JSON.stringify(THREAD)});`);
    const told: string[] = [];
    const start = () => new Worker(slow);
    await unpackTogether(pkg, pkg.slots, join(dir, "together"), { start, tell: (line) => told.push(line) });
    expect(told).toEqual([expect.stringMatching(/^unpacked by [23] threads$/)]);
  });
});

test.if(canUseThreads)("where a thread cannot be started, one does it all", async () => {
  await withPackage(async (pkg, dir) => {
    const start = (): Worker => {
      throw new Error("no more threads");
    };
    const told: string[] = [];
    await unpackTogether(pkg, pkg.slots, join(dir, "together"), { start, tell: (line) => told.push(line) });
    expect(told).toEqual(["unpacking without threads: Error: no more threads"]);
    await unpackSlots(pkg, pkg.slots, join(dir, "alone"));
    expect(treeOf(join(dir, "together"))).toEqual(treeOf(join(dir, "alone")));
  });
});

test.if(canUseThreads)(
  "when it is aborted, nothing is written any more, and nothing done again",
  async () => {
    await withPackage(async (pkg, dir) => {
      const root = join(dir, "together");
      const controller = new AbortController();
      const told: string[] = [];
      const crew = {
        start: () => new Worker(THREAD),
        tell: (line: string) => told.push(line),
        aborted: controller.signal,
      };
      let isThere: boolean | undefined;
      const onBytes = () => {
        controller.abort();
        isThere ??= existsSync(root);
        removeTree(root);
      };
      const outcome = unpackTogether(pkg, pkg.slots, root, crew, onBytes).catch((error: Error) => error.name);
      expect(await outcome).toBe("AbortError");
      expect([isThere, existsSync(root), told]).toEqual([true, false, []]);
      const tooLate = unpackTogether(pkg, pkg.slots, root, crew).catch((error: Error) => error.name);
      expect(await tooLate).toBe("AbortError");
      expect(existsSync(root)).toBe(false);
    });
  },
);

/** A thread that does no job, is busy for long, and writes something at last. */
const SLOW = `
import { mkdirSync } from "node:fs";
import { taskOfThread } from "${new URL("../../threads.ts", import.meta.url).pathname}";
import { listOf } from "${new URL("../mending/file-list.ts", import.meta.url).pathname}";
import { boardOf } from "${new URL("unpack-jobs.ts", import.meta.url).pathname}";
const { root, shared } = await taskOfThread();
boardOf(shared).begin();
mkdirSync(root + "/begun", { recursive: true });
await Bun.sleep(300);
mkdirSync(root + "/late", { recursive: true });
boardOf(shared).end();
const none = listOf([]);
postMessage({ files: none, made: none, met: none, implied: [], found: [], links: [] });
`;

test.if(canUseThreads)(
  "who aborts it waits for threads that are busy, and nothing comes after them",
  async () => {
    await withPackage(async (pkg, dir) => {
      const [root, slow] = [join(dir, "together"), join(dir, "slow.ts")];
      writeFileSync(slow, SLOW);
      const controller = new AbortController();
      const crew = { start: () => new Worker(slow), tell: () => {}, aborted: controller.signal };
      const outcome = unpackTogether(pkg, pkg.slots, root, crew).catch((error: Error) => error.name);
      while (!existsSync(join(root, "begun"))) await Bun.sleep(1);
      controller.abort();
      expect(existsSync(join(root, "late"))).toBe(true);
      removeTree(root);
      expect(await outcome).toBe("AbortError");
      expect(existsSync(root)).toBe(false);
    });
  },
);

test("a thread is busy as long as it has jobs", async () => {
  using dir = tempDir();
  const path = join(dir.path, "stored");
  writeFileSync(path, "");
  truncateSync(path, 300_000_000);
  using source = openFileSource(path);
  const slot = { entry: { index: 0, id: "x", operations: [] }, stored: { offset: 0, size: source.size } };
  const shared = new SharedArrayBuffer(boardSize(1));
  const thread = new Worker(THREAD);
  const report = new Promise<unknown>((resolve) => {
    thread.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      if (data !== READY) return resolve(data);
      const { fd, name, size } = source;
      const work = { root: join(dir.path, "out"), jobs: [{ kind: "checksum", slot }], own: 0 };
      const blocks = [{ start: 0, end: 1 }];
      thread.postMessage({ fd, name, size, ...work, blocks, shared, files: new SharedArrayBuffer(0) });
    });
  });
  const busy = () => Atomics.load(new Int32Array(shared), 2);
  while (busy() !== 1) await Bun.sleep(1);
  boardOf(shared).waitForOthers();
  expect(busy()).toBe(0);
  expect(await report).toHaveProperty("links");
});

test("a small one is unpacked in frames as well, but starts no thread", async () => {
  const points: string[] = [];
  globalThis.failPoint = (point) => void points.push(point);
  try {
    await withPackage(async (pkg, dir) => {
      const start = (): Worker => {
        throw new Error("nobody needs a thread");
      };
      const told: string[] = [];
      const tell = (line: string) => told.push(line);
      await unpackTogether(pkg, pkg.slots, join(dir, "together"), { start, tell });
      expect(told).toEqual([]);
      expect(points.filter((point) => point === "frame-unpacked")).toHaveLength(pkg.slots.length);
      await unpackSlots(pkg, pkg.slots, join(dir, "alone"));
      expect(treeOf(join(dir, "together"))).toEqual(treeOf(join(dir, "alone")));
    }, 1000);
  } finally {
    globalThis.failPoint = undefined;
  }
});

test("without a crew, or from memory, there are no threads", async () => {
  await withPackage(async (pkg, dir) => {
    const start = (): Worker => {
      throw new Error("nobody asked for a thread");
    };
    const { fd: _, ...source } = pkg.source;
    await unpackTogether(pkg, pkg.slots, join(dir, "one"), undefined);
    await unpackTogether({ ...pkg, source }, pkg.slots, join(dir, "two"), { start, tell: () => {} });
    expect(treeOf(join(dir, "one"))).toEqual(treeOf(join(dir, "two")));
  });
});

test.each([
  [0, 8, 1],
  [1, 8, 1],
  [3, 8, 3],
  [9, 8, 4],
  [9, 1, 1],
])("%d jobs on %d processors take %d threads", (jobs, cores, threads) => {
  expect(threadsFor(jobs, cores)).toBe(threads);
});
