import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import { forgePackage, withFlip, withIndex } from "../../tests/support/forged.ts";
import {
  fileSlot,
  packageBytes,
  STUB_LAUNCHER,
  selfSlot,
  treeSlot,
  utf8,
} from "../../tests/support/packages.ts";
import { tempDir } from "../../tests/support/temp-dir.ts";
import { concat } from "../codecs/streams.ts";
import { encodeSeekTable } from "../codecs/zstd-seek-table.ts";
import { type ByteSource, openFileSource } from "../io/byte-source.ts";
import { openPackage, type Slot } from "../reader.ts";
import { END, rawEntry } from "../tar/testing.ts";
import type { Bytes } from "../types.ts";
import { isValid, type Verification, verifyPackage } from "../verify.ts";
import { FLAVOR } from "../wire/dialects.ts";
import { digestPrefix, sha256, sha256Hex } from "../wire/hashes.ts";
import { parseMetadata } from "../wire/metadata.ts";
import { gzipMetadata } from "../wire/metadata-block.ts";
import { encodeSlot } from "../wire/slot-descriptor.ts";

const canUseThreads = availableParallelism() > 1;
if (!canUseThreads) process.stderr.write("skipped: threads, there is one processor only\n");

const THREAD = new URL("../../tests/support/verify-thread.ts", import.meta.url).href;

/** Half of it does not shrink, so that frames have bytes of their own. */
const noise = (size: number, seed: number): Bytes => {
  const bytes = new Uint8Array(size);
  for (let i = 0, x = seed; i < size; i++) {
    x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff;
    bytes[i] = i % 16 === 0 ? x >> 16 : 7;
  }
  return bytes;
};

let dir: ReturnType<typeof tempDir>;
let sound: Bytes;
let slots: readonly Slot[];
beforeAll(async () => {
  dir = tempDir();
  for (const name of ["one", "two"]) {
    const root = join(dir.path, name);
    for (let i = 0; i < 30; i++) {
      mkdirSync(join(root, `d${i % 5}`), { recursive: true });
      writeFileSync(join(root, `d${i % 5}`, `${"long ".repeat(i)}${i}`), noise(600_000, i + 1));
    }
    symlinkSync("d1", join(root, "link"));
    // Frames of its own.
    writeFileSync(join(root, "large"), noise(18_000_000, 31));
  }
  sound = await packageBytes({
    slots: [
      treeSlot("one", join(dir.path, "one"), { target: "lib/one" }),
      fileSlot("raw", noise(3_000_000, 7), { operations: [] }),
      treeSlot("two", join(dir.path, "two"), { target: "lib/two", operations: ["TAR", "GZIP"] }),
      selfSlot("me"),
      treeSlot("again", join(dir.path, "one"), { target: "lib/again", lifecycle: "lazy" }),
      fileSlot("file", noise(9_000_000, 8)),
    ],
    level: 1,
  });
  const path = join(dir.path, "sound.psp");
  writeFileSync(path, sound);
  using source = openFileSource(path);
  slots = (await openPackage(source)).slots;
}, 60_000);
afterAll(() => dir[Symbol.dispose]());

/** A package that is signed and consistent, whatever its slots hold. */
async function packageAround(
  contents: readonly { readonly operations: string; readonly stored: Bytes; readonly originalSize: number }[],
): Promise<Bytes> {
  const entries = contents.map(({ operations, stored, originalSize }, slot) => ({
    slot,
    id: `odd-${slot}`,
    source: "odd",
    target: `odd-${slot}`,
    size: stored.length,
    original_size: originalSize,
    checksum: `sha256:${sha256Hex(stored)}`,
    operations,
    purpose: "data",
    lifecycle: "runtime",
  }));
  const about = {
    format: "PSPF/2025",
    package: { name: "odd", version: "1" },
    execution: { command: "true" },
  };
  const json = utf8(JSON.stringify({ ...about, slots: entries }));
  const block = await gzipMetadata(json);
  const table = STUB_LAUNCHER.length + block.length;
  let offset = table + 64 * contents.length;
  const descriptors = parseMetadata(json).slots.map((entry, i) => {
    const { stored, originalSize } = contents[i] as (typeof contents)[number];
    const at = offset;
    offset += stored.length;
    return encodeSlot({
      ...FLAVOR.describe(entry),
      offset: BigInt(at),
      size: BigInt(stored.length),
      originalSize: BigInt(originalSize),
      checksum: digestPrefix(sha256(stored)),
    });
  });
  return forgePackage({
    json,
    block,
    rest: concat([...descriptors, ...contents.map(({ stored }) => stored)]),
    index: {
      slotCount: contents.length,
      slotTableOffset: BigInt(table),
      slotTableSize: BigInt(64 * contents.length),
    },
  });
}

interface Outcome {
  readonly checks: Verification["checks"];
  /** Bytes that this thread has read. */
  readonly read: number;
  readonly started: number;
}

async function outcomeOf(bytes: Bytes, start?: (number: number) => Worker): Promise<Outcome> {
  const path = join(dir.path, "app.psp");
  writeFileSync(path, bytes);
  using file = openFileSource(path);
  let read = 0;
  let started = 0;
  const source: ByteSource = {
    ...file,
    read(at, length, into) {
      read += length;
      return file.read(at, length, into);
    },
  };
  const startThread = start && (() => start(started++));
  const { checks } = await verifyPackage(source, undefined, { startThread });
  return { checks, read, started };
}

const thread = () => new Worker(THREAD, { smol: true });

test.if(canUseThreads)("threads find what one alone finds, which reads less then", async () => {
  const alone = await outcomeOf(sound);
  const together = await outcomeOf(sound, thread);
  expect(isValid(alone)).toBeTrue();
  expect(together.checks).toEqual(alone.checks);
  expect(together.started).toBeGreaterThan(1);
  // All but what is in no frames, and that once.
  const [, raw, gzip] = slots as [Slot, Slot, Slot];
  expect(together.read).toBeLessThan(raw.stored.size + gzip.stored.size + 100_000);
  expect(alone.read).toBeGreaterThan(sound.length - 100_000);
});

const middleOf = (slot: number): number => {
  const { offset, size } = (slots[slot] as Slot).stored;
  return offset + Math.floor(size / 2);
};
const FAULTS: readonly (readonly [what: string, change: (bytes: Bytes) => Bytes])[] = [
  ["a frame", (bytes) => withFlip(bytes, middleOf(0), 1)],
  ["a seek table", (bytes) => withFlip(bytes, middleOf(0) * 2 - (slots[0] as Slot).stored.offset - 12, 1)],
  ["a file in frames", (bytes) => withFlip(bytes, middleOf(5), 1)],
  ["a raw slot", (bytes) => withFlip(bytes, middleOf(1), 1)],
  ["a compressed slot", (bytes) => withFlip(bytes, middleOf(2), 1)],
  ["the launcher", (bytes) => withFlip(bytes, 3, 1)],
  ["two slots", (bytes) => withFlip(withFlip(bytes, middleOf(4), 1), middleOf(1), 1)],
  ["the signature", (bytes) => withIndex(bytes, { signature: new Uint8Array(64) })],
];
test.if(canUseThreads)("what threads read is told of as well, once, and before the end", async () => {
  using source = openFileSource(join(dir.path, "sound.psp"));
  const counts: number[] = [];
  const onBytes = (count: number) => void counts.push(count);
  expect(
    isValid(await verifyPackage(source, undefined, { startThread: () => new Worker(THREAD), onBytes })),
  ).toBe(true);
  const total = counts.reduce((sum, count) => sum + count, 0);
  // Seek tables are read twice, and the index.
  expect(total - source.size).toBeWithin(-10_000, 50_000);
  expect(Math.max(...counts)).toBeLessThan(source.size / 2);
});

test.if(canUseThreads).each(FAULTS)(
  "what is wrong with %s is said as one thread says it",
  async (_, change) => {
    const alone = await outcomeOf(change(sound));
    expect(isValid(alone)).toBeFalse();
    expect((await outcomeOf(change(sound), thread)).checks).toEqual(alone.checks);
  },
);

test.if(canUseThreads).each([
  ["ends without a word", "process.exit(1)"],
  [
    "takes a job with it",
    'addEventListener("message", ({ data }) => { Atomics.add(new Int32Array(data.shared), 1, 1); process.exit(0); }, { once: true }); postMessage("ready")',
  ],
  ["throws", 'throw new Error("no memory")'],
  ["is no program", "%"],
  [
    "lies",
    'addEventListener("message", ({ data }) => { for (let job = 0; job < data.jobs.length; job++) postMessage({ job, digest: "0" }); process.exit(0); }, { once: true }); postMessage("ready")',
  ],
])("a thread that %s makes no difference", async (_, text) => {
  const dying = join(dir.path, "dying.js");
  writeFileSync(dying, text);
  const { checks, started } = await outcomeOf(sound, (number) =>
    number === 0 ? new Worker(dying) : thread(),
  );
  expect(checks).toEqual((await outcomeOf(sound)).checks);
  expect(started).toBeGreaterThan(1);
});

test.if(canUseThreads)("nor does one that cannot be started", async () => {
  const { checks } = await outcomeOf(sound, (number) => {
    if (number > 0) throw new Error("no more threads");
    return thread();
  });
  expect(checks).toEqual((await outcomeOf(sound)).checks);
});

test.if(canUseThreads)(
  "a rightly signed slot that holds a seek table and nothing else is no archive",
  async () => {
    const odd = await packageAround([
      {
        operations: "zstd",
        stored: new Uint8Array(zstdCompressSync(new Uint8Array(40_000_000))),
        originalSize: 40_000_000,
      },
      { operations: "tar|zstd", stored: encodeSeekTable([]) as Bytes, originalSize: 0 },
    ]);
    const alone = await outcomeOf(odd);
    expect(alone.checks.filter(({ ok }) => !ok).map(({ name, code }) => [name, code])).toEqual([
      ["slot 1", "archive-invalid"],
    ]);
    expect((await outcomeOf(odd, thread)).checks).toEqual(alone.checks);
  },
);

test.if(canUseThreads).each<[string, (frame: Bytes) => Bytes, number]>([
  ["is another content than its checksum says", (frame) => withFlip(frame, frame.length - 1, 1), 0],
  ["is longer than its seek table says", (frame) => frame, -1],
])("a rightly signed file of which a frame %s", async (_, change, more) => {
  const frames = [1, 2].map((seed) => noise(20_000_000, seed));
  const params = { [constants.ZSTD_c_checksumFlag]: 1 };
  const [one, two] = frames.map((frame) => new Uint8Array(zstdCompressSync(frame, { params })));
  const stored = [one as Bytes, change(two as Bytes)];
  const table = encodeSeekTable(
    stored.map(({ length }, i) => ({ compressed: length, content: 20_000_000 + (i === 0 ? more : -more) })),
  );
  const odd = await packageAround([
    { operations: "zstd", stored: concat([...stored, table as Bytes]), originalSize: 40_000_000 },
  ]);
  const alone = await outcomeOf(odd);
  expect(isValid(alone)).toBe(more !== 0);
  expect((await outcomeOf(odd, thread)).checks).toEqual(alone.checks);
});

test.if(canUseThreads).each([
  ["of which a frame inside is another content than its checksum says", 2],
  ["of which the last frame is another content than its checksum says", 8],
])("a rightly signed long file in an archive %s", async (_, damaged) => {
  const part = concat([rawEntry({ name: "long", body: "\0".repeat(35_000_000) }), END]);
  const contents = Array.from({ length: 9 }, (_, i) => part.slice(i * 4_000_001, (i + 1) * 4_000_001));
  const params = { [constants.ZSTD_c_checksumFlag]: 1 };
  const stored = contents
    .map((content) => new Uint8Array(zstdCompressSync(content, { params })))
    .map((frame, i) => (i === damaged ? withFlip(frame, frame.length - 1, 1) : frame));
  const table = encodeSeekTable(
    stored.map(({ length }, i) => ({ compressed: length, content: (contents[i] as Bytes).length })),
  );
  const odd = await packageAround([
    { operations: "tar|zstd", stored: concat([...stored, table as Bytes]), originalSize: part.length },
  ]);
  const alone = await outcomeOf(odd);
  expect(isValid(alone)).toBeFalse();
  expect((await outcomeOf(odd, thread)).checks).toEqual(alone.checks);
});

test.if(canUseThreads)("what cannot be in the tree keeps nobody waiting, however much follows", async () => {
  const root = join(dir.path, "many");
  mkdirSync(root);
  for (let i = 0; i < 20; i++) {
    writeFileSync(join(root, `${i}`), "");
    truncateSync(join(root, `${i}`), 9_000_000);
  }
  const clash = await packageBytes({
    slots: [
      fileSlot("file", "text", { target: "lib" }),
      treeSlot("many", root, { target: "lib/many" }),
      treeSlot("one", join(dir.path, "one"), { target: "one" }),
    ],
    level: 1,
  });
  const alone = await outcomeOf(clash);
  expect(alone.checks.filter(({ ok }) => !ok).map(({ name, code }) => [name, code])).toEqual([
    ["slot 1", "archive-invalid"],
  ]);
  expect((await outcomeOf(clash, thread)).checks).toEqual(alone.checks);
});

test("for a small package no thread is started", async () => {
  const small = await packageBytes({ slots: [fileSlot("raw", "text", { operations: [] })] });
  const { started, checks } = await outcomeOf(small, thread);
  expect([isValid({ checks }), started]).toEqual([true, 0]);
});
