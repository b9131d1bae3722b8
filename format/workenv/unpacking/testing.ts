import { expect } from "bun:test";
import { lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import type { SlotInput } from "../../../builder/slot-input.ts";
import { failureOf } from "../../../tests/support/failure.ts";
import { fileSlot, packageBytes } from "../../../tests/support/packages.ts";
import { tempDir } from "../../../tests/support/temp-dir.ts";
import { encodeSeekTable } from "../../codecs/zstd-seek-table.ts";
import { openFileSource } from "../../io/byte-source.ts";
import { removeTree } from "../../io/remove-tree.ts";
import { openPackage, type Package } from "../../reader.ts";
import { concat, END, rawEntry } from "../../tar/testing.ts";
import type { Bytes } from "../../types.ts";
import { sha256Hex } from "../../wire/hashes.ts";
import { type IndexedFile, indexTree } from "../mending/stat-index.ts";
import { unpackSlots } from "./unpack.ts";
import { unpackTogether } from "./unpack-together.ts";

/** For tests: slots in frames that were made by hand, and what comes of them by one thread and by several. */

export const canUseThreads = availableParallelism() > 1;
if (!canUseThreads) process.stderr.write("skipped: threads, there is one processor only\n");

export const THREAD = new URL("../../../tests/support/unpack-thread.ts", import.meta.url).href;

export type Entry = Parameters<typeof rawEntry>[0];

/** Large enough for threads to be worth it, and small when it is compressed. */
const FILLER: readonly Entry[] = ["one", "two"].map((name) => ({
  name: `t/filler/${name}`,
  body: name.repeat(6 * 1024 * 1024),
}));

export const compress = (content: Bytes): Bytes =>
  new Uint8Array(zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }));

/** So many bytes more for one frame. */
export interface Lie {
  readonly frame: number;
  readonly compressed?: number;
  readonly content?: number;
}

interface Framed {
  readonly frames: readonly Bytes[];
  /** What the seek table says, where that is not the truth. */
  readonly lie?: readonly Lie[];
}

export function framed({ frames, lie = [] }: Framed): Bytes {
  const compressed = frames.map(compress);
  const sizes = frames.map((frame, i) => {
    const more = lie.find((row) => row.frame === i);
    return {
      compressed: (compressed[i] as Bytes).length + (more?.compressed ?? 0),
      content: frame.length + (more?.content ?? 0),
    };
  });
  return concat([...compressed, encodeSeekTable(sizes) as Bytes]);
}

export const archive = (...entries: readonly Entry[]): Bytes => concat(entries.map(rawEntry));

/** Frames with these entries, the last of which ends the archive. */
export const framesOf = (...parts: readonly (readonly Entry[])[]): readonly Bytes[] => [
  archive(...FILLER.slice(0, 1)),
  ...parts.map((part) => archive(...part)),
  concat([archive(...FILLER.slice(1)), END]),
];

export interface Facts extends Partial<SlotInput> {
  /** Whether who packs sees that it is what its operations say. */
  readonly isChecked?: boolean;
}

export const ARCHIVE: Facts = { target: "t", operations: ["TAR", "ZSTD"] };

export async function withPackage(
  stored: Bytes,
  work: (pkg: Package, dir: string) => Promise<void>,
  { isChecked = true, ...facts }: Facts = ARCHIVE,
): Promise<void> {
  const dir = tempDir();
  try {
    const path = join(dir.path, "app.psp");
    const packed = isChecked ? facts : { ...facts, operations: ["ZSTD"] as const };
    writeFileSync(path, await packageBytes({ slots: [fileSlot("t", stored, packed)] }));
    using source = openFileSource(path);
    const pkg = await openPackage(source);
    const { operations = [] } = facts;
    const slots = pkg.slots.map((slot) => ({ ...slot, entry: { ...slot.entry, operations } }));
    await work({ ...pkg, slots }, dir.path);
  } finally {
    removeTree(dir.path);
  }
}

const treeOf = (root: string) =>
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .toSorted()
    .map((name) => {
      const stat = lstatSync(join(root, name));
      const content = stat.isSymbolicLink()
        ? readlinkSync(join(root, name))
        : stat.isFile()
          ? sha256Hex(new Uint8Array(readFileSync(join(root, name))))
          : "";
      return [name, stat.mode, content];
    });

const byPath = ([a]: IndexedFile, [b]: IndexedFile) => (a < b ? -1 : 1);
/** What a walk over a tree finds. */
const walked = (root: string, owners: ReadonlyMap<string, number>) =>
  indexTree(root, owners, () => "whole").toSorted(byPath);

/** Unpacks by threads and by one; what the threads said. */
export async function unpackBoth(stored: Bytes, facts?: Facts): Promise<unknown> {
  const told: string[] = [];
  const work = async (pkg: Package, dir: string): Promise<void> => {
    const crew = { start: () => new Worker(THREAD), tell: (line: string) => told.push(line) };
    const unpack = {
      alone: () => unpackSlots(pkg, pkg.slots, join(dir, "alone")),
      together: () => unpackTogether(pkg, pkg.slots, join(dir, "together"), crew),
    };
    const failure = await failureOf(unpack.alone).catch(() => undefined);
    if (failure !== undefined) {
      const { code, message } = await failureOf(unpack.together);
      expect([code, message.replace("/together/", "/alone/")]).toEqual([failure.code, failure.message]);
      return;
    }
    const { owners, rows } = await unpack.together();
    expect(treeOf(join(dir, "together"))).toEqual(treeOf(join(dir, "alone")));
    expect(rows.toSorted(byPath)).toEqual(walked(join(dir, "together"), owners));
    removeTree(join(dir, "alone"));
    const alone = await unpack.alone();
    expect([...owners].toSorted()).toEqual([...alone.owners].toSorted());
    expect(alone.rows.toSorted(byPath)).toEqual(walked(join(dir, "alone"), owners));
  };
  await withPackage(stored, work, facts);
  return told;
}

/** Unpacks by threads what is sound, but not what was signed; the failure, and what the threads said. */
export async function unpackUnsigned(
  stored: Bytes,
  facts?: Facts,
): Promise<readonly [code: unknown, told: unknown]> {
  const told: string[] = [];
  let code: unknown;
  const work = async (pkg: Package, dir: string): Promise<void> => {
    const checksum = sha256Hex(new Uint8Array());
    const slots = pkg.slots.map((slot) => ({ ...slot, entry: { ...slot.entry, checksum } }));
    const crew = { start: () => new Worker(THREAD), tell: (line: string) => told.push(line) };
    ({ code } = await failureOf(() => unpackTogether({ ...pkg, slots }, slots, join(dir, "out"), crew)));
  };
  await withPackage(stored, work, facts);
  return [code, told];
}

export const BY_THREADS = [expect.stringMatching(/^unpacked by [234] threads$/)];
export const AGAIN = [expect.stringMatching(/^unpacking again, one thing after the other: /)];
export const ALONE: readonly unknown[] = [];
