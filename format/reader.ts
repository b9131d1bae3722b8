import { PspfError } from "./errors.ts";
import { splitChain } from "./codecs/chain.ts";
import { type ByteSource, type Pieces, streamRange } from "./io/byte-source.ts";
import { limitFor } from "./slot-limit.ts";
import { SLOT_DESCRIPTOR_SIZE, TRAILER_SIZE } from "./spec.ts";
import type { Bytes, ByteStream, Sha256, Span } from "./types.ts";
import { DIALECTS, differences } from "./wire/dialects.ts";
import { digestPrefix, sameBytes, sha256, sha256Hex, sha256Stream } from "./wire/hashes.ts";
import { checkIndex, overlap, type PackageIndex, span } from "./wire/index-block.ts";
import { checkHints } from "./wire/index-hints.ts";
import { parseMetadata } from "./wire/metadata.ts";
import { gunzipMetadata } from "./wire/metadata-block.ts";
import type { Metadata, SlotEntry } from "./wire/metadata-types.ts";
import { packageIdIn } from "./wire/package-id.ts";
import type { OperationName } from "./wire/operations.ts";
import { decodeSlotTable, permissionsOf, type RawSlot } from "./wire/slot-descriptor.ts";
import { readIndexBlock } from "./wire/read-index.ts";
import { packageIdOf } from "./cache/layout.ts";

const GET_IT_AGAIN = "the file is damaged or was changed: get it again";

/** A package whose structure is sound. Whether it is signed, and its slots intact, is asked separately. */
export interface Package {
  readonly source: ByteSource;
  readonly index: ReadIndex;
  /** 16 hex digits that name its workenv. */
  readonly id: string;
  /** The exact bytes that the signature covers. */
  readonly json: Bytes;
  readonly metadata: Metadata;
  readonly slots: readonly Slot[];
}

export interface Slot {
  readonly entry: SlotEntry;
  readonly raw: RawSlot;
  /** Where the stored bytes lie; empty for `$SELF` slots. */
  readonly stored: Span;
  /** Unix mode for a slot that is one file. */
  readonly mode: number;
  /** Most bytes that its content may have where the metadata names no size of it. */
  readonly limit: number;
}

/** An index with the digest that names exactly this build of a package. */
export interface ReadIndex extends PackageIndex {
  /** SHA-256 of the whole block. It covers key, signature and the checksum of the metadata. */
  readonly digest: Sha256;
  /** What the builder left of the package id, if it did. */
  readonly packageId: string | undefined;
}

/**
 * Reads index, metadata and slot table, each checked before the next one is believed. Slot data is not touched.
 * Throws a 102 when the structure is wrong, a 107 when checksums do not match.
 */
export const openPackage = async (source: ByteSource): Promise<Package> =>
  completePackage(source, await readIndex(source));

const readIndex = async (source: ByteSource): Promise<ReadIndex> =>
  indexOf(await readIndexBlock(source), source);

/** Judges a block that was read from the end of `source`. */
export const indexOf = (block: Bytes, source: ByteSource): ReadIndex => ({
  ...checkIndex(block, source.size),
  digest: sha256Hex(block),
  packageId: packageIdIn(block),
});

/** Metadata and slot table of a package whose index was read before. */
export async function completePackage(source: ByteSource, index: ReadIndex): Promise<Package> {
  const json = await gunzipMetadata(await readMetadataBlock(source, index));
  const metadata = parseMetadata(json);
  const id = packageIdOf(metadata.package, sha256Hex(json));
  if (index.packageId !== undefined && index.packageId !== id)
    throw new PspfError(
      "layout-invalid",
      `Cannot trust the index: it is for package ${index.packageId}, this is ${id}`,
    );
  checkHints(index.raw, metadata);
  checkLauncherSize(index, metadata);
  const slots = await readSlots(source, index, metadata);
  return { source, index, id, json, metadata, slots };
}

/** What the launcher is made of is asked by `verifyPackage`: one that hashed itself would ask the suspect. */
function checkLauncherSize(index: PackageIndex, { launcher }: Metadata): void {
  if (launcher === undefined || launcher.size === index.launcher.size) return;
  throw new PspfError(
    "launcher-checksum-mismatch",
    `Cannot trust the index: it has a launcher of ${index.launcher.size} bytes, ${launcher.size} were signed`,
    { hint: GET_IT_AGAIN },
  );
}

/** The compressed metadata, compared with the checksum in the index. */
async function readMetadataBlock(source: ByteSource, index: PackageIndex): Promise<Bytes> {
  const block = await source.read(index.metadata.offset, index.metadata.size);
  if (sameBytes(sha256(block), index.raw.metadataChecksum)) return block;
  throw new PspfError(
    "metadata-checksum-mismatch",
    "Cannot trust the metadata: its SHA-256 is not the one in the index",
    { hint: GET_IT_AGAIN },
  );
}

/** The slot table, which must be the one that a builder derives from the signed metadata. */
async function readSlots(
  source: ByteSource,
  index: PackageIndex,
  metadata: Metadata,
): Promise<readonly Slot[]> {
  if (index.slotCount !== metadata.slots.length)
    throw mismatch(`it has ${index.slotCount} slots, the signed metadata ${metadata.slots.length}`);
  const table = decodeSlotTable(
    await source.read(index.slotTable.offset, index.slotCount * SLOT_DESCRIPTOR_SIZE),
  );
  checkDialect(table, metadata.slots);
  const unsized = metadata.slots.filter(({ originalSize }) => originalSize === undefined).length;
  const slots = table.map((raw, i) => placeSlot(raw, metadata.slots[i] as SlotEntry, index, unsized));
  checkOverlap(slots, index);
  return slots;
}

function checkDialect(table: readonly RawSlot[], entries: readonly SlotEntry[]): void {
  const faults = DIALECTS.map((dialect) =>
    table.flatMap((raw, i) =>
      differences(raw, entries[i] as SlotEntry, dialect).map(
        (field) => `slot ${i}: ${field} is not what was signed`,
      ),
    ),
  );
  if (faults.some((list) => list.length === 0)) return;
  const fewest = faults.reduce((best, list) => (list.length < best.length ? list : best));
  throw mismatch("it does not follow from the signed metadata", fewest);
}

/** `unsized` slots of the package have no signed size. */
function placeSlot(raw: RawSlot, entry: SlotEntry, index: PackageIndex, unsized: number): Slot {
  const end = index.fileSize - TRAILER_SIZE;
  const stored = entry.selfRef
    ? span(`slot ${entry.index}`, raw.offset, raw.size, 0, 0)
    : span(`slot ${entry.index}`, raw.offset, raw.size, index.launcher.size, end);
  if (entry.selfRef && raw.originalSize !== 0n)
    throw mismatch(`slot ${entry.index}: it stands for the package itself and can have no size`);
  // Our builder signs both sizes; what others write as the stored one may be that of the source.
  if (entry.originalSize !== undefined && !entry.selfRef) {
    if (raw.size !== BigInt(entry.size))
      throw mismatch(`slot ${entry.index}: it has ${raw.size} bytes, ${entry.size} were signed`);
    if (raw.originalSize !== BigInt(entry.originalSize))
      throw mismatch(
        `slot ${entry.index}: it unpacks to ${raw.originalSize} bytes, ${entry.originalSize} were signed`,
      );
  }
  // a slot that stands for the package itself has no bytes, and no checksum of them
  const signed =
    entry.checksum === undefined ? 0n : digestPrefix(Uint8Array.fromHex(entry.checksum) as Bytes);
  if (raw.checksum !== signed)
    throw mismatch(`slot ${entry.index}: its checksum is not the one that was signed`);
  const mode = (entry.permissions ?? permissionsOf(raw)) & 0o777 || 0o600;
  return { entry, raw, stored, mode, limit: limitFor(stored.size, unsized) };
}

function checkOverlap(slots: readonly Slot[], index: PackageIndex): void {
  const ranges = [index.metadata, index.slotTable, ...slots.map((slot) => slot.stored)]
    .filter((range) => range.size > 0)
    .sort((a, b) => a.offset - b.offset);
  ranges.forEach((range, i) => {
    const next = ranges[i + 1];
    if (next !== undefined && overlap(range, next))
      throw new PspfError(
        "slot-table-invalid",
        "Cannot trust the slot table: two parts of the package overlap",
      );
  });
}

const mismatch = (state: string, problems: readonly string[] = []) =>
  new PspfError("slot-table-mismatch", `Cannot trust the slot table: ${state}`, {
    problems,
    hint: GET_IT_AGAIN,
  });

/** The stored bytes of a slot while they are being read. */
export interface StoredBytes {
  /** Read again after a reader gave up, it goes on where that one stopped. */
  readonly bytes: ByteStream;
  /**
   * To be asked when `bytes` has been used, and before anything made of it is: throws `slot-checksum-mismatch` unless
   * the whole slot was read and its SHA-256 is the signed one.
   */
  check(): void;
}

/**
 * A slot's stored bytes. Where no codec stands between, they arrive as the reader wants them: "passing" for one that has
 * used a piece up when it asks for the next one.
 */
export function readSlot(source: ByteSource, slot: Slot, wanted: Pieces = "lasting"): StoredBytes {
  const hash = sha256Stream();
  const { offset, size } = slot.stored;
  const pieces = piecesFor(slot.entry.operations, wanted);
  let read = 0;
  let failure: unknown;
  const next = async function* (): ByteStream {
    try {
      for await (const piece of streamRange(source, offset + read, size - read, pieces)) {
        hash.update(piece);
        read += piece.length;
        yield piece;
      }
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  const { checksum, id, index } = slot.entry;
  const refuse = (state: string) =>
    new PspfError("slot-checksum-mismatch", `Cannot trust slot ${index} (${id}): ${state}`, {
      hint: GET_IT_AGAIN,
    });
  return {
    bytes: { [Symbol.asyncIterator]: () => next()[Symbol.asyncIterator]() },
    check() {
      if (failure !== undefined) throw failure;
      if (read !== size) throw refuse("something follows its compressed data");
      if (checksum !== undefined && hash.hex() !== checksum)
        throw refuse("its SHA-256 is not the signed one");
    },
  };
}

/** Decoders that have nothing left of a piece when they ask for the next one. */
const USE_UP_PIECES: readonly (OperationName | undefined)[] = ["GZIP", "ZSTD"];

/** In what kind of pieces to read the stored bytes of a chain for a reader who wants such ones of what it decodes to. */
export function piecesFor(operations: readonly OperationName[], wanted: Pieces): Pieces {
  const { codecs } = splitChain(operations);
  if (codecs.length === 0) return wanted;
  return USE_UP_PIECES.includes(codecs.at(-1)) ? "passing" : "lasting";
}
