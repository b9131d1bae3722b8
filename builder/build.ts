import { basename, dirname } from "node:path";
import type { Level } from "../format/codecs/codec.ts";
import type { ByteSource } from "../format/io/byte-source.ts";
import { openFileSource, streamRange } from "../format/io/byte-source.ts";
import { openReplacement, type Replacement } from "../format/io/replacement.ts";
import { PspfError } from "../format/errors.ts";
import type { Progress } from "../format/progress/progress.ts";
import { FORMAT_VERSION, MAX_METADATA_SIZE, SLOT_DESCRIPTOR_SIZE, TRAILER_SIZE } from "../format/spec.ts";
import type { Bytes, Sha256 } from "../format/types.ts";
import { sha256, sha256Hex, sha256Stream } from "../format/wire/hashes.ts";
import { encodeIndex } from "../format/wire/index-block.ts";
import { OUR_HINTS } from "../format/wire/index-hints.ts";
import { gzipMetadata } from "../format/wire/metadata-block.ts";
import type { LauncherFacts, Metadata } from "../format/wire/metadata-types.ts";
import { sourceSizeOf } from "./source-size.ts";
import { frameIndex } from "../format/wire/trailer.ts";
import { packageIdOf } from "../format/cache/layout.ts";
import { encodeMetadata, type JsonOptions } from "./metadata-json.ts";
import { keepSlots, knownSlots } from "./known-slots.ts";
import { openMadeFolder } from "./made-folder.ts";
import { checkPlaced, digestPlaced, type LauncherFile, placeLauncher } from "./place-launcher.ts";
import type { Signer } from "./signing/signer.ts";
import type { SlotInput } from "./slot-input.ts";
import {
  descriptorOf,
  entryOf,
  LONGEST,
  type SlotInHand,
  slotInHand,
  type StoredSlot,
} from "./stored-slot.ts";
import { verifyWritten } from "./verify-written.ts";
import type { WriteOptions } from "./write-slot.ts";
import { openWitness, type Witness } from "./witness.ts";
import { align, type SlotPlace, writeSlots } from "./write-slots.ts";

export interface BuildRequest extends Pick<WriteOptions, "cache" | "explain"> {
  /** Everything of the metadata that does not follow from the slots' and the launcher's bytes. */
  readonly about: Omit<Metadata, "slots" | "launcher">;
  readonly slots: readonly SlotInput[];
  readonly launcher: ByteSource;
  /** Where the launcher comes from, if that is a file. */
  readonly launcherFile?: LauncherFile | undefined;
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
  const witness = request.verify ? openWitness() : undefined;
  const placed = placeLauncher(request.launcher, request.launcherFile, file);
  const [launcher, slots] = await bothOf(
    placed.then(() => launcherFacts(request, file, witness)),
    storedSlots(request, file, { start: room.slots, after: placed, witness }),
  );
  const metadata: Metadata = { ...request.about, slots: slots.map((slot) => slot.entry), launcher };
  const json = encodeMetadata(metadata, request.json);
  // It may talk at the terminal itself.
  progress?.end();
  const signature = await request.signer.sign(json);
  await writeHead(request, file, { json, signature, slots, launcherSize: launcher.size, room });
  const size = file.written;
  await using keeping = keepSlots(request, file.path, slots);
  if (witness !== undefined) {
    progress?.begin(`verifying ${name}`, () => size);
    const known = { witness, launcher: launcher.checksum, slots: knownSlots(request.about, slots) };
    await verifyWritten(file.path, known, progress?.add).catch(async (error) => {
      // What it was from the start is to be said otherwise.
      await checkPlaced(file, launcher.size, request.launcherFile);
      throw error;
    });
    progress?.end();
  }
  await keeping.commit();
  file.commit();
  return {
    path: request.output,
    size,
    sha256: () => digestOf(request.output),
    metadata,
    slots: slots.map(stored),
  };
}

const stored = ({ made: _, prints: __, ...slot }: SlotInHand): StoredSlot => slot;

/** Waits for both, even if one fails: nobody may write any more when the file is closed. */
async function bothOf<A, B>(one: Promise<A>, other: Promise<B>): Promise<readonly [A, B]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}

async function launcherFacts(
  { launcher: { size }, launcherFile, launcherTool }: BuildRequest,
  file: Replacement,
  witness: Witness | undefined,
) {
  return { ...launcherTool, size, checksum: await digestPlaced(file, size, launcherFile, witness) };
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

async function storedSlots(
  request: BuildRequest,
  file: Replacement,
  place: SlotPlace & Pick<WriteOptions, "witness">,
): Promise<readonly SlotInHand[]> {
  const written = await writeSlots(request.slots, file, place, {
    ...request,
    witness: place.witness,
    onBytes: request.progress?.add,
  });
  return written.map((bytes, index) => slotInHand(request.slots[index] as SlotInput, index, bytes));
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

async function digestOf(path: string): Promise<Sha256> {
  using source = openFileSource(path);
  const hash = sha256Stream();
  for await (const piece of streamRange(source, 0, source.size, "passing")) hash.update(piece);
  return hash.hex();
}
