import { isArchive } from "../format/codecs/chain.ts";
import { FrameWalk } from "../format/codecs/zstd-frames.ts";
import { PspfError } from "../format/errors.ts";
import { type ByteSource, countedSource, openFileSource, threadedSource } from "../format/io/byte-source.ts";
import type { ImaginedTree } from "../format/io/imagined-tree.ts";
import type { Package, Slot } from "../format/reader.ts";
import { FLAVOR_VERSION } from "../format/spec.ts";
import type { Sha256 } from "../format/types.ts";
import { isValid, type Verification, verifyPackage } from "../format/verify.ts";
import { enterFile, partEnterer } from "../format/verifying/enter-part.ts";
import { frameReader } from "../format/verifying/frame-entries.ts";
import type { PackageReading } from "../format/verifying/read-alone.ts";
import { readBeside } from "../format/verifying/read-beside.ts";
import { placement } from "../format/workenv/unpacking/extract-slot.ts";
import { type FramePlace, framesOf, type SlotFrame } from "../format/workenv/unpacking/slot-frames.ts";
import { folded, groupSlots } from "../format/workenv/unpacking/slot-groups.ts";
import type { MadeFrame } from "./frame-content.ts";
import type { Rereading, Witness } from "./witness.ts";

/**
 * To be raised when a verification begins to look at more: what was found good by less is looked at again. The first of
 * this number also decoded what they had made.
 */
const THOROUGHNESS = 1;

/** How stored bytes were found good: by which verification, for which target, under the rules of which system. */
export const verifiedFor = (target: string, os: string | undefined): string =>
  JSON.stringify([FLAVOR_VERSION, Bun.revision, THOROUGHNESS, target, os ?? null]);

/** What a build knows of the bytes that it has written. */
export interface Known {
  /** Of the bytes below: whether they are in the file. */
  readonly witness: Witness;
  /** SHA-256 of the launcher's bytes. */
  readonly launcher: Sha256;
  /** By the numbers of the slots. */
  readonly slots: ReadonlyMap<number, KnownSlot>;
}

export interface KnownSlot {
  /** SHA-256 of the stored bytes. */
  readonly checksum: Sha256;
  /**
   * An earlier build has made or decoded the stored bytes, and found that their entries make a tree at this target and by
   * the rules of this system, with no other slot around.
   */
  readonly isVerified: boolean;
  /** Of an archive that was made by this build. */
  readonly frames: readonly MadeFrame[] | undefined;
}

/**
 * Reads a package that was just written, and throws `build-failed` when anything is wrong with it. Digests are not made
 * twice: where the file has the very bytes of which that was done when they were written, they are those of the file.
 * Frames that this build has compressed are not decoded: that could only find faults of the codec or the memory, which
 * whoever decodes them finds by their checksums. `onBytes` is told of what was read.
 */
export async function verifyWritten(
  path: string,
  known: Known,
  onBytes?: (count: number) => void,
): Promise<void> {
  using source = openFileSource(path);
  await using again = known.witness.readAgain(countedSource(threadedSource(source), onBytes));
  const result: Verification = await verifyPackage(source, undefined, {
    onBytes,
    read: (pkg) => readKnown(pkg, known, { again, source }),
  });
  if (isValid(result)) return;
  throw new PspfError("build-failed", "Cannot build the package: what was written does not verify", {
    problems: result.checks.filter((check) => !check.ok).map((check) => `${check.name}: ${check.detail}`),
    hint: "is the disk or its memory failing? otherwise this is a bug of flavor",
  });
}

interface Reread {
  readonly again: Rereading;
  /** Of the package, not counted. */
  readonly source: ByteSource;
}

function readKnown(pkg: Package, { launcher, slots }: Known, { again, source }: Reread): PackageReading {
  const reading = readBeside(pkg.source);
  const apart = new Set(slotsApart(pkg));
  return {
    digestOf: async (part) =>
      part === pkg.index.launcher && (await again.isIntact(part)) ? launcher : reading.digestOf(part),
    async enter(slot, tree) {
      const { index, checksum, originalSize } = slot.entry;
      const known = slots.get(index);
      if (known === undefined || known.checksum !== checksum || originalSize === undefined)
        return reading.enter(slot, tree);
      const frames = known.frames && (await framesAsMade(source, slot, known.frames));
      const isGood = known.isVerified && apart.has(slot);
      if (!isGood && frames === undefined) return reading.enter(slot, tree);
      if (frames !== undefined) await enterMade(slot, frames, source, tree);
      if (!(await again.isIntact(slot.stored)))
        throw new PspfError(
          "slot-checksum-mismatch",
          `slot ${index}: its bytes are not those that were written`,
        );
      return originalSize;
    },
  };
}

/** A frame of the slot, and what went into it. */
interface FrameAsMade extends SlotFrame {
  readonly entries: MadeFrame["entries"];
}

/**
 * The frames to which the seek table in the file leads, if they are those that were made. A frame that will not be decoded has
 * to say itself how much is in it, as its compressor has noted: the same as the table.
 */
async function framesAsMade(
  source: ByteSource,
  slot: Slot,
  made: readonly MadeFrame[],
): Promise<readonly FrameAsMade[] | undefined> {
  const frames = await framesOf(source, slot);
  if (frames === undefined || !areAsMade(frames, made)) return undefined;
  const asMade: FrameAsMade[] = [];
  let first = 0;
  for (const frame of frames) {
    const run = made.slice(first, first + frame.pieces.length);
    first += run.length;
    const entries = entriesOf(run);
    if (entries !== undefined && !(await areAnnounced(source, frame.pieces))) return undefined;
    asMade.push({ ...frame, entries });
  }
  return asMade;
}

function areAsMade(frames: readonly SlotFrame[], made: readonly MadeFrame[]): boolean {
  const pieces = frames.flatMap((frame) => frame.pieces);
  return (
    pieces.length === made.length &&
    pieces.every(({ size, content }, i) => made[i]?.compressed === size && made[i].content === content)
  );
}

/** What went into frames, where that is known of all of them. */
const entriesOf = (run: readonly MadeFrame[]): MadeFrame["entries"] =>
  run.every(({ entries }) => entries !== undefined) ? run.flatMap(({ entries = [] }) => entries) : undefined;

/** Whether frames say themselves that there is in them what was put there. */
async function areAnnounced(source: ByteSource, pieces: readonly FramePlace[]): Promise<boolean> {
  for (const piece of pieces) if ((await announcedBy(source, piece)) !== piece.content) return false;
  return true;
}

/** RFC 8878, section 3.1.1.1: magic number and header. */
const MOST_HEADER = 18;

async function announcedBy(source: ByteSource, { offset, size }: FramePlace): Promise<number | undefined> {
  const walk = new FrameWalk();
  walk.follow(await source.read(offset, Math.min(size, MOST_HEADER)));
  return walk.contentSize;
}

/**
 * Tells a tree what is in frames. Those that were made of entries hold just these: `write-tar.test.ts` holds the writer of
 * headers to telling readers what it was told, with extended headers and without; a frame has a checksum of what was
 * written; and its bytes in the file are those that the codec gave. Others are decoded.
 */
async function enterMade(
  slot: Slot,
  frames: readonly FrameAsMade[],
  source: ByteSource,
  tree: ImaginedTree,
): Promise<void> {
  if (!isArchive(slot.entry.operations)) return enterFile(slot, tree);
  const enter = partEnterer(tree, placement(slot.entry.target));
  const { entriesIn } = frameReader(source);
  for (const frame of frames) {
    enter(frame.entries ?? (await entriesIn(frame)));
    // What was read meanwhile has its turn.
    await new Promise((resume) => setImmediate(resume));
  }
}

/** Slots that meet nothing else of the package: whether they are good depends on nothing but themselves. */
function slotsApart({ slots, metadata }: Package): readonly Slot[] {
  const folders = metadata.workenv.directories.map(({ path }) => `${folded(path)}/`);
  return groupSlots(slots)
    .filter((group) => group.slots.length === 1)
    .filter(({ areas: [area = ""] }) => {
      const own = area === "" ? "" : `${folded(area)}/`;
      return !folders.some((folder) => folder.startsWith(own) || own.startsWith(folder));
    })
    .flatMap((group) => group.slots);
}
