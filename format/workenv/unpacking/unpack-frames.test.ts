import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { failureOf } from "../../../tests/support/failure.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { encodeSeekTable } from "../../codecs/zstd-seek-table.ts";
import { memorySource, openFileSource } from "../../io/byte-source.ts";
import { openTreeWriter, type TreeOnDisk } from "../../io/tree-writer.ts";
import { openSyncDecoder, type SyncDecoder } from "../../codecs/zstd-sync.ts";
import { openPackage, type Slot } from "../../reader.ts";
import { concat, END, paxRecord } from "../../tar/testing.ts";
import type { Bytes } from "../../types.ts";
import { unpackFrame } from "./unpack-frame.ts";
import { framesOf as slotFramesOf } from "./slot-frames.ts";
import { blocksOf, type UnpackJob } from "./unpack-jobs.ts";
import { unpackTogether } from "./unpack-together.ts";
import {
  AGAIN,
  ALONE,
  archive,
  BY_THREADS,
  canUseThreads,
  compress,
  type Entry,
  framed,
  framesOf,
  type Lie,
  THREAD,
  unpackBoth,
  unpackUnsigned,
  withPackage,
} from "./testing.ts";

// One slot, its frames made by hand and unpacked by threads. Whatever an archive holds, nobody can tell from the result
// how it was unpacked.

const toolsOf = (stored: Bytes, writer: TreeOnDisk) => ({
  source: memorySource(stored),
  decoder: openSyncDecoder() as SyncDecoder,
  memory: new Uint8Array(1000),
  writer,
});

const file = (name: string, body = name, more: Partial<Entry> = {}): Entry => ({ name, body, ...more });
const folder = (name: string, mode: number): Entry => ({ name: `${name}/`, type: "5", mode });
const link = (name: string, linkName: string): Entry => ({ name, type: "2", linkName });

describe.if(canUseThreads)("frames of one slot", () => {
  test.each<[string, readonly (readonly Entry[])[]]>([
    ["files in one folder", [[file("t/a/1")], [file("t/a/2")], [file("t/a/3")]]],
    ["modes", [[file("t/run", "x", { mode: 0o755 })], [file("t/secret", "x", { mode: 0o400 })]]],
    ["a folder whose mode comes late", [[file("t/a/1")], [folder("t/a", 0o750)], [file("t/a/2")]]],
    ["a folder whose mode comes early", [[folder("t/a", 0o500)], [file("t/a/1")], [file("t/a/2")]]],
    ["a folder that is said twice", [[folder("t/a", 0o750)], [folder("t/a", 0o750)], [file("t/a/1")]]],
    ["two names that only some disks take for one", [[file("t/a")], [file("t/A")]]],
    ["two folders that only some disks take for one", [[file("t/a/1")], [file("t/A/2")]]],
    [
      "links, before and after what they lead to",
      [[link("t/x", "a/1")], [file("t/a/1")], [link("t/y", "a")]],
    ],
    ["a link alone in its folder", [[link("t/only/x", "../a")], [file("t/a")]]],
    ["times", [[file("t/old", "x", { mtime: 1_000_000 })], [file("t/new", "x", { mtime: 2_000_000 })]]],
    ["a frame without entries", [[], [file("t/a")]]],
  ])("are unpacked by threads: %s", async (_, parts) => {
    expect(await unpackBoth(framed({ frames: framesOf(...parts) }))).toEqual(BY_THREADS);
  });

  test.each<[string, readonly (readonly Entry[])[]]>([
    ["a file twice", [[file("t/a", "first")], [file("t/a", "second")]]],
    ["a file twice in one frame", [[file("t/a", "first"), file("t/a", "second")]]],
    ["a file, then a link", [[file("t/a")], [link("t/a", "b")]]],
    ["a link, then a file, in one frame", [[link("t/a", "b"), file("t/a")]]],
    [
      "a folder with one mode, then another",
      [[folder("t/a", 0o700)], [folder("t/a", 0o755)], [file("t/a/1")]],
    ],
    ["a hard link", [[file("t/a")], [{ name: "t/b", type: "1", linkName: "t/a" }]]],
    ["what is not below the target", [[file("u/a")], [file("t/b")]]],
    [
      "a header for all that follow",
      [[{ name: "g", type: "g", body: paxRecord("mtime", "5") }, file("t/a")], [file("t/b")]],
    ],
  ])("one thread does it where order could count: %s", async (_, parts) => {
    expect(await unpackBoth(framed({ frames: framesOf(...parts) }))).toEqual(AGAIN);
  });

  test.each<[string, readonly (readonly Entry[])[]]>([
    ["a link, then a file through it", [[link("t/a", "b")], [file("t/a/x")]]],
    ["a file through what becomes a link", [[file("t/a/x")], [link("t/a", "b")]]],
    ["a name that climbs", [[file("t/../../x")], [file("t/b")]]],
    ["a link that leads out", [[file("t/b")], [link("t/a", "../../x")]]],
    ["a file, then a folder", [[file("t/a")], [folder("t/a", 0o755)]]],
    ["a device", [[{ name: "t/null", type: "3" }], [file("t/b")]]],
  ])("what is refused, is refused with the same words: %s", async (_, parts) => {
    expect(await unpackBoth(framed({ frames: framesOf(...parts) }))).toEqual(AGAIN);
  });

  test("an end in the middle is none of a whole archive", async () => {
    const stored = compress(concat([archive(file("t/a")), END]));
    const frame = { offset: 0, size: stored.length, content: 2048, pieces: [] };
    const slot = { entry: { target: "t" } } as Slot;
    using dir = tempDir();
    using writer = openTreeWriter(dir.path);
    const unpack = (isLast: boolean) => unpackFrame(slot, { ...frame, isLast }, toolsOf(stored, writer));
    await unpack(true);
    expect(readdirSync(join(dir.path, "t"))).toEqual(["a"]);
    expect(await failureOf(() => unpack(false))).toMatchObject({ code: "archive-invalid" });
  });

  test("something behind a frame", async () => {
    const stored = concat([compress(concat([archive(file("t/a")), END])), Uint8Array.of(1, 2, 3)]);
    const frame = { offset: 0, size: stored.length, content: 2048, isLast: true, pieces: [] };
    using dir = tempDir();
    using writer = openTreeWriter(dir.path);
    const slot = { entry: { target: "t" } } as Slot;
    expect(await failureOf(() => unpackFrame(slot, frame, toolsOf(stored, writer)))).toMatchObject({
      code: "codec-failed",
    });
  });

  test("a long entry in several frames, which begin where none can begin", async () => {
    const within = archive(file("t/no")).slice(0, 512);
    const body = "x".repeat(244) + new TextDecoder("latin1").decode(within).repeat(3);
    const long = archive({ name: "t/long", body }, file("t/b"));
    const [first, ...others] = framesOf([file("t/a")]);
    const frames = [
      first as Bytes,
      long.slice(0, 512 + 244),
      long.slice(756, 1268),
      long.slice(1268),
      ...others,
    ];
    expect(await unpackBoth(framed({ frames }))).toEqual(BY_THREADS);
  });

  test("a frame that does not begin where an entry begins", async () => {
    const whole = concat(framesOf([file("t/a")], [file("t/b")]));
    const frames = [whole.slice(0, 5120), whole.slice(5120)];
    expect(await unpackBoth(framed({ frames }))).toEqual(AGAIN);
  });

  test.each<[string, readonly Lie[], readonly unknown[]]>([
    [
      "the wrong size of a frame",
      [
        { frame: 0, compressed: 1 },
        { frame: 1, compressed: -1 },
      ],
      AGAIN,
    ],
    [
      "the wrong size of its content",
      [
        { frame: 0, content: 512 },
        { frame: 1, content: -512 },
      ],
      AGAIN,
    ],
    ["another size of all", [{ frame: 0, content: 512 }], ALONE],
    ["frames that leave something out", [{ frame: 0, compressed: -1 }], ALONE],
  ])("a seek table that tells %s changes nothing", async (_, lie, told) => {
    const frames = framesOf([file("t/a")], [file("t/b")]);
    expect(await unpackBoth(framed({ frames, lie }))).toEqual(told);
  });

  test("a seek table alone is no archive in frames", async () => {
    const stored = encodeSeekTable([]) as Bytes;
    const entry = { operations: ["TAR", "ZSTD"], originalSize: 0 };
    const slot = { entry, stored: { offset: 0, size: stored.length } } as unknown as Slot;
    expect(await slotFramesOf(memorySource(stored), slot)).toBeUndefined();
  });

  test("content that is sound, but not what was signed, is refused", async () => {
    const stored = framed({ frames: framesOf([file("t/a")], [file("t/b")]) });
    expect(await unpackUnsigned(stored)).toEqual(["slot-checksum-mismatch", AGAIN]);
  });

  test("a frame that is shorter than its table says", async () => {
    const stored = compress(concat([archive(file("t/a")), END]));
    const frame = { offset: 0, size: stored.length, content: 2048 + 512, isLast: true, pieces: [] };
    using dir = tempDir();
    using writer = openTreeWriter(dir.path);
    const slot = { entry: { target: "t" } } as Slot;
    await expect(unpackFrame(slot, frame, toolsOf(stored, writer))).rejects.toThrow("seek table");
  });

  test("damage is reported as such, wherever it is", async () => {
    const stored = framed({ frames: framesOf([file("t/a")], [file("t/b")]) });
    await withPackage(stored, async (pkg, dir) => {
      const at = (pkg.slots[0]?.stored.offset as number) + 40;
      const bytes = new Uint8Array(readFileSync(join(dir, "app.psp")));
      bytes[at] = (bytes[at] as number) ^ 1;
      writeFileSync(join(dir, "damaged.psp"), bytes);
      using source = openFileSource(join(dir, "damaged.psp"));
      const damaged = await openPackage(source);
      const told: string[] = [];
      const crew = { start: () => new Worker(THREAD), tell: (line: string) => told.push(line) };
      expect(
        await failureOf(() => unpackTogether(damaged, damaged.slots, join(dir, "out"), crew)),
      ).toMatchObject({ code: "slot-checksum-mismatch" });
      expect(told).toEqual(AGAIN);
    });
  });
});

describe("blocks of jobs", () => {
  const jobs = (sizes: readonly number[]): readonly UnpackJob[] =>
    sizes.map((content) => ({
      kind: "frame",
      slot: {} as Slot,
      frame: { offset: 0, size: 1, content, isLast: false, pieces: [] },
    }));

  test.each<[readonly number[], number, [number, number][]]>([
    [
      [1, 1, 1, 1],
      2,
      [
        [0, 2],
        [2, 4],
      ],
    ],
    [
      [9, 1, 1, 1],
      2,
      [
        [0, 1],
        [1, 4],
      ],
    ],
    [
      [1, 1, 1, 9],
      2,
      [
        [0, 4],
        [4, 4],
      ],
    ],
    [
      [1, 1, 1, 1, 1, 1],
      3,
      [
        [0, 2],
        [2, 4],
        [4, 6],
      ],
    ],
    [
      [5],
      3,
      [
        [0, 1],
        [1, 1],
        [1, 1],
      ],
    ],
  ])("%j for %d threads", (sizes, threads, expected) => {
    expect(blocksOf(jobs(sizes), threads).map(({ start, end }) => [start, end])).toEqual(expected);
  });

  test("property: every job is in one block, in order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(100), { maxLength: 50 }),
        fc.integer({ min: 1, max: 8 }),
        (sizes, threads) => {
          const blocks = blocksOf(jobs(sizes), threads);
          expect(blocks).toHaveLength(threads);
          expect(blocks.flatMap(({ start, end }) => sizes.slice(start, end))).toEqual([...sizes]);
        },
      ),
    );
  });
});
