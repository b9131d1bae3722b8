import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { ownershipFault } from "../../format/cache/ownership.ts";
import { unfinishedAt } from "../../format/io/replacement.ts";
import type { Bytes, Sha256 } from "../../format/types.ts";
import { sha256Hex } from "../../format/wire/hashes.ts";
import { decodePrints, encodePrints, type Print } from "../prints.ts";
import { copyRange, type FileRange } from "./copy-range.ts";
import { encodeManifest, parseManifest, type Version, withVersion } from "./entry-manifest.ts";
import { manifestOf, outputOf, outputsOf, rootOf, scratchOf } from "./layout.ts";
import { contentComparer } from "./same-content.ts";
import { changedEntries, keyOf, type SlotWork, stampsOf, stampsOfUnmoved } from "./slot-work.ts";
import { evict } from "./upkeep.ts";

/** Stored bytes of an earlier build, in a file that is to be read at once: anybody may remove it. */
export interface CachedSlot {
  readonly path: string;
  readonly version: Version;
  /** Of these bytes, made when their digest was. */
  readonly prints: readonly Print[];
}

/** What a look into the cache has found, and in a few words why. */
export interface Found {
  readonly key: Sha256;
  /** How many files, folders and links go into the slot. */
  readonly entries: number;
  /** What its files look like; none of them is a number when they may not be what was read. To be asked when all is read. */
  readonly stamps: () => Float64Array<ArrayBuffer>;
  readonly cached: CachedSlot | undefined;
  readonly why: string;
}

/** What a build has written for a slot. */
export interface WrittenSlot extends FileRange {
  readonly originalSize: number;
  readonly stored: Sha256;
  /** Made of the very bytes that the digest was made of. */
  readonly prints: readonly Print[];
  readonly verified: string | null;
}

/** Stored bytes of earlier builds. Nothing that is wrong with it fails a build: it then has nothing, and keeps nothing. */
export interface SlotCache {
  find(work: SlotWork): Promise<Found>;
  /** Begins to copy what a build has written after it found nothing. */
  keep(found: Found, written: WrittenSlot): Keeping;
  /** What was found is not what its name says: it goes. */
  drop(found: Found): void;
}

/** A copy of stored bytes that is being made beside other work. */
export interface Keeping extends AsyncDisposable {
  /** Puts it into the cache: for when it was found to be good. Without this, nothing of it stays. */
  commit(): Promise<void>;
}

/** Most bytes that the cache has after a build. */
const MAX_SIZE = 5 * 1024 * 1024 * 1024;

/**
 * The cache in a folder, which need not be there yet. Undefined where others than the user can write into it: they would
 * decide what goes into packages.
 */
export function openSlotCache(folder: string, maxSize: number = MAX_SIZE): SlotCache | undefined {
  if (!isOwn(folder)) return undefined;
  const root = rootOf(folder);
  return {
    async find(work) {
      const key = keyOf(work);
      const stamps = stampsOf(work);
      const about = { key, stamps: () => stampsOfUnmoved(work, stamps), entries: work.entries.length };
      try {
        return { ...about, ...(await lookUp(root, key, work, stamps)) };
      } catch {
        // Read by somebody else's rules, or gone in this moment.
        return { ...about, cached: undefined, why: "its entry cannot be read" };
      }
    },
    keep({ key, stamps }, written) {
      const made = scratchOf(root, key, crypto.randomUUID());
      const given = { up: written.size > maxSize };
      const unfinished = unfinishedAt(made);
      const copied = given.up ? Promise.resolve(false) : copyTo(made, root, key, written, given);
      return {
        async commit() {
          if (await copied)
            quietly(() => {
              renameSync(made, outputOf(root, key, written.stored));
              addVersion(root, key, written, stamps());
              evict(root, maxSize);
            });
        },
        async [Symbol.asyncDispose]() {
          given.up = true;
          if (await copied) quietly(() => rmSync(made, { force: true }));
          unfinished[Symbol.dispose]();
        },
      };
    },
    drop({ key, cached }) {
      if (cached !== undefined) quietly(() => rmSync(cached.path, { force: true }));
      quietly(() => rmSync(manifestOf(root, key), { force: true }));
    },
  };
}

function isOwn(folder: string): boolean {
  const uid = process.getuid?.();
  try {
    return (
      uid === undefined || [undefined, "absent"].includes(ownershipFault(folder, uid) as undefined | "absent")
    );
  } catch {
    return false;
  }
}

/** A full disk, a folder that may not be written, somebody who removes what is being made: the build goes on. */
function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // nothing is kept
  }
}

async function lookUp(
  root: string,
  key: Sha256,
  work: SlotWork,
  stamps: Float64Array<ArrayBuffer>,
): Promise<Pick<Found, "cached" | "why">> {
  if (!existsSync(manifestOf(root, key)))
    return { cached: undefined, why: "nothing like it was packed before" };
  const versions = readManifest(root, key);
  if (versions === undefined) return { cached: undefined, why: "its entry is damaged" };
  const there = versions.flatMap((version) => cachedSlot(root, key, version) ?? []);
  const isOfContent = contentComparer(work);
  let first: string | undefined;
  for (const cached of there) {
    const { path, version } = cached;
    const changed = changedEntries(work.entries, stamps, readStamps(root, key, version.stamps));
    first ??= changed.values().next().value?.path;
    if (changed.size > 0 && !(await isOfContent(path, changed))) continue;
    touch(path);
    if (changed.size > 0)
      quietly(() => {
        const renewed = { ...version, stamps: keepNotes(root, key, stampsOfUnmoved(work, stamps)) };
        writeManifest(root, key, withVersion(versions, renewed));
      });
    return { cached, why: changed.size === 0 ? "unchanged" : "the same content" };
  }
  if (there.length < versions.length)
    return { cached: undefined, why: "its stored bytes are gone or damaged" };
  return { cached: undefined, why: `${first ?? "its content"} has changed` };
}

function readManifest(root: string, key: Sha256): readonly Version[] | undefined {
  try {
    return parseManifest(readFileSync(manifestOf(root, key), "utf8"));
  } catch {
    return undefined;
  }
}

/** Undefined where something of it is gone, or cannot be what it was. */
function cachedSlot(root: string, key: Sha256, version: Version): CachedSlot | undefined {
  const path = outputOf(root, key, version.stored);
  if (sizeAt(path) !== version.size) return undefined;
  const notes = readNotes(root, key, version.prints);
  const prints = notes && decodePrints(notes, version.size);
  return prints && { path, version, prints };
}

function readNotes(root: string, key: Sha256, digest: Sha256): Bytes | undefined {
  try {
    return new Uint8Array(readFileSync(outputOf(root, key, digest)));
  } catch {
    return undefined;
  }
}

/** What is wrong with them makes files look changed, which are then compared. */
function readStamps(root: string, key: Sha256, digest: Sha256): Float64Array | undefined {
  const notes = readNotes(root, key, digest);
  return notes && notes.length % 8 === 0 ? new Float64Array(notes.buffer) : undefined;
}

const sizeAt = (path: string): number | undefined => {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() === true ? stat.size : undefined;
};

/** Who was used last stays longest. */
const touch = (path: string): void => quietly(() => utimesSync(path, new Date(), new Date()));

/** Whether all of it was copied; if not, nothing is left. */
async function copyTo(
  made: string,
  root: string,
  key: Sha256,
  written: FileRange,
  given: { readonly up: boolean },
): Promise<boolean> {
  try {
    mkdirSync(outputsOf(root, key), { recursive: true, mode: 0o700 });
    await copyRange(written, made, given);
    return true;
  } catch {
    quietly(() => rmSync(made, { force: true }));
    return false;
  }
}

/** To what the manifest has; the stored bytes are there. */
function addVersion(
  root: string,
  key: Sha256,
  written: WrittenSlot,
  stamps: Float64Array<ArrayBuffer>,
): void {
  const { stored, size, originalSize, verified } = written;
  const version = {
    stored,
    size,
    originalSize,
    prints: keepNotes(root, key, encodePrints(written.prints)),
    stamps: keepNotes(root, key, stamps),
    verified,
  };
  writeManifest(root, key, withVersion(readManifest(root, key) ?? [], version));
}

function keepNotes(root: string, key: Sha256, notes: Bytes | Float64Array<ArrayBuffer>): Sha256 {
  const bytes = new Uint8Array(notes.buffer);
  const digest = sha256Hex(bytes);
  appear(root, key, outputOf(root, key, digest), bytes);
  return digest;
}

/** The manifest comes last: what it names is there. */
const writeManifest = (root: string, key: Sha256, versions: readonly Version[]): void =>
  appear(root, key, manifestOf(root, key), encodeManifest(versions));

/** A file that is made beside its place, and is there whole or not at all. */
function appear(root: string, key: Sha256, target: string, content: string | Bytes): void {
  const made = scratchOf(root, key, crypto.randomUUID());
  try {
    writeFileSync(made, content, { flag: "wx", mode: 0o600 });
    renameSync(made, target);
  } catch (error) {
    rmSync(made, { force: true });
    throw error;
  }
}
