import type { Stats } from "node:fs";
import type { Level } from "../../format/codecs/codec.ts";
import { FLAVOR_VERSION } from "../../format/spec.ts";
import type { TreeEntry } from "../../format/tar/tree-entry.ts";
import type { ByteStream, Sha256 } from "../../format/types.ts";
import type { OperationName } from "../../format/wire/operations.ts";
import { shortLived } from "../../format/short-lived.ts";
import { statusOf } from "../../format/io/quick-files.ts";
import { sha256Stream } from "../../format/wire/hashes.ts";

/** To be raised when the same input makes other bytes, so that nothing of before is used. */
const ENCODING = 3;

/** How content becomes stored bytes. */
export interface Recipe {
  readonly operations: readonly OperationName[];
  readonly level: Level | undefined;
  readonly mtimes: "zero" | "keep";
}

/** A file or folder that goes into a slot, as far as the disk has said before anything was read. */
export interface InputEntry extends TreeEntry {
  readonly stats?: Pick<Stats, "mtimeMs" | "ctimeMs" | "ino" | "dev">;
}

/** Something that was looked at, links followed. */
export interface Looked {
  readonly path: string;
  readonly stats: Pick<Stats, "mtimeMs" | "ino">;
}

/** All that decides about the stored bytes of a slot but the bytes of its files, and how to get at those. */
export interface SlotWork {
  /** A folder, or one file that goes into the codecs as it is. */
  readonly kind: "tree" | "file";
  readonly recipe: Recipe;
  /** The folder or the file itself, as it was before anything in it was looked at. */
  readonly source: Looked;
  readonly entries: readonly InputEntry[];
  /** When `entries` were looked at, in milliseconds since 1970; no file was looked at before. */
  readonly listedAt: number;
  /** What goes into the codecs. */
  readonly content: () => ByteStream;
}

/**
 * The key of what a slot's work makes, whatever is in its files: everything that the encoder is told, its version and
 * the runtime's, where the codecs come from, and names, kinds, modes, sizes and links of all entries.
 */
export function keyOf({ kind: what, recipe, entries }: SlotWork): Sha256 {
  const { operations, level, mtimes } = recipe;
  const head = JSON.stringify([
    "flavor.build-key/3",
    "sha256",
    ENCODING,
    FLAVOR_VERSION,
    Bun.revision,
    what,
    operations,
    level ?? null,
    mtimes,
    entries.length,
  ]);
  // No text has a NUL, and there are as many texts and numbers as the head says: so no two lists read alike.
  const texts = [head, ...entries.map(({ path }) => path), ...entries.map(({ linkName = "" }) => linkName)];
  const numbers = keyNumbers(entries, mtimes);
  const hash = sha256Stream();
  hash.update(new TextEncoder().encode(`${texts.join("\0")}\0`));
  hash.update(new Uint8Array(numbers.buffer));
  return hash.hex();
}

function keyNumbers(entries: readonly InputEntry[], mtimes: Recipe["mtimes"]): Float64Array<ArrayBuffer> {
  const numbers = new Float64Array(entries.length * KEY_NUMBERS);
  let at = 0;
  for (const { kind, mode, size, mtime } of entries) {
    numbers[at++] = KINDS.indexOf(kind);
    numbers[at++] = mode & 0o777;
    numbers[at++] = size;
    numbers[at++] = mtimes === "keep" ? mtime : 0;
  }
  return numbers;
}

const KINDS: readonly InputEntry["kind"][] = ["file", "directory", "symlink"];
/** Kind, mode, size, time. */
const KEY_NUMBERS = 4;

type Stamps = Float64Array<ArrayBuffer>;

/** Numbers for each entry: when its bytes and when anything of it changed (milliseconds since 1970), inode, device. */
const NUMBERS = 4;

/**
 * What the files looked like, in the order of the entries: as long as a row stays what it was, so do the bytes of the
 * file. A row of something that may have changed again since, without showing it, is not a number, and like none.
 */
export function stampsOf({ entries, listedAt }: SlotWork): Stamps {
  const stamps = new Float64Array(entries.length * NUMBERS);
  const limit = listedAt - graceOf(entries);
  let at = 0;
  for (const { kind, stats } of entries) {
    // All that is to know of the others is in the key.
    if (kind === "file") {
      const isSettled = stats !== undefined && stats.mtimeMs < limit && stats.ctimeMs < limit;
      stamps[at] = isSettled ? stats.mtimeMs : Number.NaN;
      stamps[at + 1] = isSettled ? stats.ctimeMs : Number.NaN;
      stamps[at + 2] = isSettled ? stats.ino : Number.NaN;
      stamps[at + 3] = isSettled ? stats.dev : Number.NaN;
    }
    at += NUMBERS;
  }
  return stamps;
}

/**
 * These stamps, if each folder still is what it was when they were made; else none of them is a number. Another folder that
 * stood in the place of one meanwhile, as where a link was turned, may have been read in its stead. A file that took the place
 * of another one has changed its folder.
 */
export function stampsOfUnmoved({ source, entries }: SlotWork, stamps: Stamps): Stamps {
  const isUnmoved =
    hasStayed(source) &&
    entries.every(
      ({ kind, absolute: path, stats }) =>
        kind !== "directory" || stats === undefined || hasStayed({ path, stats }),
    );
  return isUnmoved ? stamps : new Float64Array(stamps.length).fill(Number.NaN);
}

function hasStayed({ path, stats }: Looked): boolean {
  try {
    const { ino, mtimeMs } = statusOf(path);
    return ino === stats.ino && mtimeMs === stats.mtimeMs;
  } catch {
    return false;
  }
}

/**
 * How long after a change another one may have the same time. Clocks of files tick a hundred times a second or more, but
 * where they only ever show whole seconds, every second second on FAT.
 */
function graceOf(entries: readonly InputEntry[]): number {
  const isCoarse = entries.every(({ stats }) => stats === undefined || stats.ctimeMs % 1000 === 0);
  return isCoarse ? 2000 : 100;
}

/** Which entries do not look as they did then. */
export function changedEntries(
  entries: readonly InputEntry[],
  now: Float64Array,
  then: Float64Array | undefined,
): ReadonlySet<InputEntry> {
  if (then?.length !== now.length) return new Set(entries.filter(({ kind }) => kind === "file"));
  return new Set(
    entries.filter((_, i) => {
      for (let at = i * NUMBERS; at < (i + 1) * NUMBERS; at++) if (now[at] !== then[at]) return true;
      return false;
    }),
  );
}

shortLived({ keyNumbers, stampsOf, changedEntries, hasStayed });
