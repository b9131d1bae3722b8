import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileSlot, packageBytes, treeSlot } from "../../tests/support/packages.ts";
import { failureOf } from "../../tests/support/failure.ts";
import { type NotedStep, noteProgress } from "../../tests/support/noted-progress.ts";
import { openFileSource } from "../io/byte-source.ts";
import { openPackage } from "../reader.ts";
import { contentSizeOf } from "../slot-limit.ts";
import { repairWorkenv } from "./mending/repair-workenv.ts";
import { verifyWorkenv } from "./mending/verify-workenv.ts";
import { createWorkshop } from "./testing.ts";
import { unpackTogether } from "./unpacking/unpack-together.ts";

// What the making of a workenv tells of itself.

let shop: ReturnType<typeof createWorkshop>;
beforeEach(() => {
  shop = createWorkshop();
});
afterEach(() => shop[Symbol.dispose]());
const at = (name: string) => join(shop.path, name);

/** A folder, a file and one that is unpacked on demand. */
const slots = () => {
  mkdirSync(at("tree"), { recursive: true });
  writeFileSync(at("tree/file"), "x".repeat(100_000));
  return [
    treeSlot("tree", at("tree")),
    fileSlot("file", "text".repeat(1000)),
    fileSlot("later", "more", { lifecycle: "lazy" }),
  ];
};

describe("a workenv that is made", () => {
  test("tells of the content of the slots that are unpacked", async () => {
    const pkg = await shop.open({ slots: slots() });
    const { bar, steps } = noteProgress();
    await shop.ensure(pkg, { progress: bar });
    const size = contentSizeOf(pkg.slots.slice(0, 2)) as number;
    expect(size).toBeGreaterThan(104_000);
    expect(steps).toEqual([{ label: "unpacking", total: size, done: size, isOver: true }]);
  });

  test("tells of nothing while setup commands run", async () => {
    const setupCommands = [{ type: "execute", command: "false" }] as const;
    const pkg = await shop.open({ slots: slots(), about: { setupCommands } });
    const { bar, steps } = noteProgress();
    expect((await failureOf(() => shop.ensure(pkg, { progress: bar }))).code).toBe("setup-failed");
    expect(steps.map(({ label, isOver }) => [label, isOver])).toEqual([["unpacking", true]]);
  });

  test("tells that it is brought onto the disk, and of what is added later", async () => {
    const pkg = await shop.open({ slots: slots() });
    const { bar, steps } = noteProgress();
    await shop.ensure(pkg, { progress: bar, durable: true });
    await shop.ensure(pkg, { progress: bar, durable: true, demanded: [2] });
    expect(steps.map(({ label, done, isOver }) => [label, done, isOver])).toEqual([
      ["unpacking", contentSizeOf(pkg.slots.slice(0, 2)) as number, true],
      ["syncing", 0, true],
      ["unpacking", 4, true],
      ["syncing", 0, true],
    ]);
    expect(steps[2]?.total).toBe(4);
  });
});

describe("a workenv that is there", () => {
  /** Made from a file that stays. */
  const made = async (request = {}) => {
    writeFileSync(at("app.psp"), await packageBytes({ slots: slots() }));
    const source = openFileSource(at("app.psp"));
    const pkg = await openPackage(source);
    const layout = await shop.ensure(pkg, { source: at("app.psp"), ...request });
    return { pkg, layout, [Symbol.dispose]: () => source[Symbol.dispose]() };
  };
  const told = (steps: readonly NotedStep[]) =>
    steps.map(({ label, total, done, isOver }) => [label, total, done, isOver]);

  test("tells that it is compared with the package before a start that wants it exact", async () => {
    using it = await made({ exact: true });
    const { bar, steps } = noteProgress();
    await shop.ensure(it.pkg, { exact: true, progress: bar });
    const size = contentSizeOf(it.pkg.slots.slice(0, 2)) as number;
    expect(told(steps)).toEqual([["comparing", size, size, true]]);
  });

  test("tells that it is mended, of the slots that are unpacked for it", async () => {
    using it = await made();
    rmSync(join(it.layout.content, "share/file"));
    const { bar, steps } = noteProgress();
    await shop.ensure(it.pkg, { progress: bar });
    expect(told(steps)).toEqual([["mending", 4000, 4000, true]]);
  });

  test("tells that it is verified and repaired", async () => {
    using it = await made();
    const { bar, steps } = noteProgress();
    await verifyWorkenv(it.layout, undefined, bar);
    truncateSync(join(it.layout.content, "tree/file"), 10);
    await repairWorkenv(it.layout, { extent: "damage", progress: bar });
    const [tree, both] = [1, 2].map((count) => contentSizeOf(it.pkg.slots.slice(0, count)) as number);
    expect(told(steps)).toEqual([
      ["comparing", both, both, true],
      ["comparing", 4000, 4000, true],
      ["mending", tree, tree, true],
    ]);
  });
});

const canUseThreads = availableParallelism() > 1;
if (!canUseThreads) process.stderr.write("skipped: what threads tell, there is one processor only\n");
const THREAD = new URL("../../tests/support/unpack-thread.ts", import.meta.url).href;

test.if(canUseThreads)("threads tell of as many bytes as one, of frames and of slots", async () => {
  mkdirSync(at("large"));
  for (const name of ["a", "b"]) writeFileSync(at(`large/${name}`), new Uint8Array(20_000_000).fill(1));
  const large = treeSlot("large", at("large"));
  const one = fileSlot("one", new Uint8Array(5_000_000));
  writeFileSync(at("app.psp"), await packageBytes({ slots: [large, one], level: 1 }));
  using source = openFileSource(at("app.psp"));
  const pkg = await openPackage(source);
  const said: string[] = [];
  let told = 0;
  const crew = { start: () => new Worker(THREAD), tell: (line: string) => said.push(line) };
  await unpackTogether(pkg, pkg.slots, at("out"), crew, (count) => {
    told += count;
  });
  expect(said).toEqual([expect.stringMatching(/^unpacked by \d threads$/)]);
  expect(told).toBe(contentSizeOf(pkg.slots) as number);
});
