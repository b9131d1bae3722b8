import { expect, test } from "bun:test";
import { lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { packageBytes, treeSlot } from "../../../tests/support/packages.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { openFileSource } from "../../io/byte-source.ts";
import { openPackage, type Package } from "../../reader.ts";
import { unpackSlots } from "./unpack.ts";
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
