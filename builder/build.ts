import { basename, dirname } from "node:path";
import type { Level } from "../format/codecs/codec.ts";
import type { ByteSource } from "../format/io/byte-source.ts";
import { openFileSource, streamRange } from "../format/io/byte-source.ts";
import { openReplacement, type Replacement } from "../format/io/replacement.ts";
import { PspfError } from "../format/errors.ts";
import type { Progress } from "../format/progress/progress.ts";
import { FORMAT_VERSION, MAX_METADATA_SIZE, SLOT_DESCRIPTOR_SIZE, TRAILER_SIZE } from "../format/spec.ts";
import type { Bytes, Sha256 } from "../format/types.ts";
import { FLAVOR } from "../format/wire/dialects.ts";
import { digestPrefix, sha256, sha256Hex, sha256Stream } from "../format/wire/hashes.ts";
import { encodeIndex } from "../format/wire/index-block.ts";
import { OUR_HINTS } from "../format/wire/index-hints.ts";
import { gzipMetadata } from "../format/wire/metadata-block.ts";
import type { LauncherFacts, Metadata, SlotEntry } from "../format/wire/metadata-types.ts";
import { sourceSizeOf } from "./source-size.ts";
import { encodeSlot as encodeDescriptor } from "../format/wire/slot-descriptor.ts";
import { frameIndex } from "../format/wire/trailer.ts";
import { packageIdOf } from "../format/cache/layout.ts";
import { encodeMetadata, type JsonOptions } from "./metadata-json.ts";
import { openMadeFolder } from "./made-folder.ts";
import type { Signer } from "./signing/signer.ts";
import type { Found } from "./slot-cache/slot-cache.ts";
import type { SlotInput } from "./slot-input.ts";
import { verifiedFor, verifyWritten } from "./verify-written.ts";
import type { WriteOptions, WrittenBytes } from "./write-slot.ts";
import { align, writeSlots } from "./write-slots.ts";

export interface BuildRequest extends Pick<WriteOptions, "cache" | "explain"> {
  /** Everything of the metadata that does not follow from the slots' and the launcher's bytes. */
  readonly about: Omit<Metadata, "slots" | "launcher">;
  readonly slots: readonly SlotInput[];
  readonly launcher: ByteSource;
  readonly launcherTool: Pick<LauncherFacts, "tool" | "toolVersion">;
  readonly signer: Pick<Signer, "publicKey" | "sign">;
  /** Where the package goes; its folder is made when it is not there. */
  readonly output: string;
  readonly json: JsonOptions;
  /** Compression level of every slot; absent, each codec's usual one. */
  readonly level?: Level;
  /** Read the package again before it gets its name, and throw when anything is wrong with it. */
  readonly verify: boolean;
  /** Told how it gets on. */
  readonly progress?: Progress | undefined;
}

export interface BuildResult {
  readonly path: string;
  readonly size: number;
  /** SHA-256 of the file, which is read when this is called. */
  readonly sha256: () => Promise<Sha256>;
  readonly metadata: Metadata;
  /** Bytes, by slot. */
  readonly slots: readonly StoredSlot[];
}

export interface StoredSlot {
  readonly entry: SlotEntry;
  readonly offset: number;
  readonly size: number;
  readonly originalSize: number;
  readonly checksum: Bytes;
  /** What the build cache said of it, if it was asked. */
  readonly found?: Found;
}

/**
 * Writes one package: launcher, room for metadata and slot table, slots, then metadata and table into their room, then
 * the trailer. Each byte is written once, nothing is held in memory whole, and the output appears complete or not at
 * all.
 */
export async function build(request: BuildRequest): Promise<BuildResult> {
  const { progress } = request;
  const name = basename(request.output);
  progress?.begin(`packing ${name}`, () => sourceSizeOf(request.slots));
  using _folder = openMadeFolder(dirname(request.output));
  using file = openReplacement(request.output, 0o755);
  const room = roomFor(request);
  const [launcher, slots] = await bothOf(copyLauncher(request, file), storedSlots(request, file, room.slots));
  const metadata: Metadata = { ...request.about, slots: slots.map((slot) => slot.entry), launcher };
  const json = encodeMetadata(metadata, request.json);
  // It may talk at the terminal itself.
  progress?.end();
  const signature = await request.signer.sign(json);
  await writeHead(request, file, { json, signature, slots, launcherSize: launcher.size, room });
  const size = file.written;
  if (request.verify) {
    progress?.begin(`verifying ${name}`, () => size);
    await verifyWritten(file.path, verifiedBefore(request, slots), progress?.add);
    progress?.end();
  }
  keepSlots(request, file.path, slots);
  file.commit();
  return { path: request.output, size, sha256: () => digestOf(request.output), metadata, slots };
}

/** A workenv has at most a million; so many in one package are counted again. */
const MANY_ENTRIES = 500_000;

/** The slots whose stored bytes come from the cache and were found good when they were made. */
function verifiedBefore({ about }: BuildRequest, slots: readonly StoredSlot[]): ReadonlySet<number> {
  if (slots.reduce((sum, { found }) => sum + (found?.entries ?? 0), 0) > MANY_ENTRIES) return new Set();
  const isVerified = ({ entry, found }: StoredSlot): boolean =>
    found?.cached?.version.verified === verifiedFor(entry.target, osOf(about));
  return new Set(slots.filter(isVerified).map(({ entry }) => entry.index));
}

/** Gives the cache what it did not have, from the package: after it was verified, so that nothing else is kept. */
function keepSlots({ cache, verify, about }: BuildRequest, path: string, slots: readonly StoredSlot[]): void {
  for (const { entry, offset, size, originalSize, found } of slots) {
    if (found === undefined || found.cached !== undefined || entry.checksum === undefined) continue;
    const verified = verify ? verifiedFor(entry.target, osOf(about)) : null;
    cache?.keep(found, { path, offset, size, originalSize, stored: entry.checksum, verified });
  }
}

const osOf = ({ build }: BuildRequest["about"]): string | undefined => build?.platform?.os;

/** Waits for both, even if one fails: nobody may write any more when the file is closed. */
async function bothOf<A, B>(one: Promise<A>, other: Promise<B>): Promise<readonly [A, B]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}

/** So much is copied at a time: what threads have compressed meanwhile is then taken from them. */
const TURN = 4 * 1024 * 1024;

/** Copies the launcher to the front of the file, hashing what it copies; slots are written behind it meanwhile. */
async function copyLauncher(
  { launcher, launcherTool }: BuildRequest,
  file: Replacement,
): Promise<LauncherFacts> {
  const hash = sha256Stream();
  let at = 0;
  for await (const piece of streamRange(launcher, 0, launcher.size, "passing")) {
    hash.update(piece);
    file.writeAt(piece, at);
    at += piece.length;
    if (at % TURN === 0) await new Promise((resume) => setImmediate(resume));
  }
  return { ...launcherTool, size: launcher.size, checksum: hash.hex() };
}

/** Offsets of the parts in front of the slots. */
interface Room {
  readonly metadata: number;
  readonly slotTable: number;
  readonly slots: number;
}

/**
 * The metadata stands in front of the slots but is known only after them. Its size is bounded before: all numbers and
 * checksums at their longest, and gzip never adds more than a few bytes. What stays free is zero.
 */
function roomFor({ about, slots, json, launcher, launcherTool }: BuildRequest): Room {
  const longest = slots.map((slot, index) => entryOf(slot, index, LONGEST));
  const facts = { ...launcherTool, size: launcher.size, checksum: LONGEST.checksum };
  const size = encodeMetadata({ ...about, slots: longest, launcher: facts }, json).length;
  if (size > MAX_METADATA_SIZE)
    throw new PspfError(
      "build-failed",
      `Cannot build the package: its metadata could have ${size} bytes, at most ${MAX_METADATA_SIZE} are read`,
      {
        hint: "use fewer slots or shorter setup commands",
      },
    );
  const slotTable = align(launcher.size + size + 64);
  return {
    metadata: launcher.size,
    slotTable,
    slots: align(slotTable + slots.length * SLOT_DESCRIPTOR_SIZE),
  };
}

const LONGEST = {
  size: Number.MAX_SAFE_INTEGER,
  originalSize: Number.MAX_SAFE_INTEGER,
  checksum: "f".repeat(64) as Sha256,
  permissions: 0o7777,
  operations: Array.from({ length: 8 }, () => "BZIP2" as const),
};

async function storedSlots(
  request: BuildRequest,
  file: Replacement,
  start: number,
): Promise<readonly StoredSlot[]> {
  const written = await writeSlots(request.slots, file, start, {
    ...request,
    onBytes: request.progress?.add,
  });
  return written.map((bytes, index) => storedSlot(request.slots[index] as SlotInput, index, bytes));
}

function storedSlot(slot: SlotInput, index: number, written: WrittenBytes): StoredSlot {
  const { operations, permissions, offset, size, originalSize, checksum, found } = written;
  const entry = entryOf(slot, index, { size, originalSize, checksum, operations, permissions });
  const isSelf = slot.data.kind === "self";
  return {
    entry,
    offset: isSelf ? 0 : offset,
    size,
    originalSize,
    checksum: isSelf ? new Uint8Array(32) : (Uint8Array.fromHex(checksum) as Bytes),
    ...(found === undefined ? {} : { found }),
  };
}

type SlotFacts = Required<
  Pick<SlotEntry, "size" | "originalSize" | "checksum" | "operations" | "permissions">
>;

function entryOf(slot: SlotInput, index: number, facts: SlotFacts): SlotEntry {
  const { id, source, target, purpose, lifecycle, resolution, platform } = slot;
  const selfRef = slot.data.kind === "self";
  const { checksum, ...rest } = facts;
  return {
    ...rest,
    index,
    id,
    source,
    target,
    rawTarget: target,
    purpose,
    lifecycle,
    selfRef,
    ...(selfRef ? {} : { checksum }),
    ...(resolution === undefined ? {} : { resolution }),
    ...(platform === undefined ? {} : { platform }),
  };
}

interface Head {
  readonly json: Bytes;
  readonly signature: Bytes;
  readonly slots: readonly StoredSlot[];
  readonly launcherSize: number;
  readonly room: Room;
}

/** Metadata, slot table and trailer. */
async function writeHead({ signer, about }: BuildRequest, file: Replacement, head: Head): Promise<void> {
  const { json, signature, slots, launcherSize, room } = head;
  const block = await gzipMetadata(json);
  if (room.metadata + block.length > room.slotTable)
    throw new Error("the room for the metadata was too small");
  file.writeAt(block, room.metadata);
  for (const [i, slot] of slots.entries())
    file.writeAt(descriptorOf(slot), room.slotTable + i * SLOT_DESCRIPTOR_SIZE);
  const index = encodeIndex({
    formatVersion: FORMAT_VERSION,
    packageSize: BigInt(file.written + TRAILER_SIZE),
    launcherSize: BigInt(launcherSize),
    metadataOffset: BigInt(room.metadata),
    metadataSize: BigInt(block.length),
    slotTableOffset: BigInt(room.slotTable),
    slotTableSize: BigInt(slots.length * SLOT_DESCRIPTOR_SIZE),
    slotCount: slots.length,
    publicKey: signer.publicKey,
    metadataChecksum: sha256(block),
    signature,
    ...OUR_HINTS,
    packageId: Uint8Array.fromHex(packageIdOf(about.package, sha256Hex(json))) as Bytes,
  });
  file.write(frameIndex(index));
}

const descriptorOf = ({ entry, offset, size, originalSize, checksum }: StoredSlot): Bytes =>
  encodeDescriptor({
    ...FLAVOR.describe(entry),
    offset: BigInt(offset),
    size: BigInt(size),
    originalSize: BigInt(originalSize),
    checksum: digestPrefix(checksum),
  });

async function digestOf(path: string): Promise<Sha256> {
  using source = openFileSource(path);
  const hash = sha256Stream();
  for await (const piece of streamRange(source, 0, source.size, "passing")) hash.update(piece);
  return hash.hex();
}
