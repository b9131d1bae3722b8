import { PspfError } from "../errors.ts";
import {
  FORMAT_VERSION,
  INDEX_SIZE,
  MAX_METADATA_SIZE,
  MAX_SLOTS,
  SLOT_DESCRIPTOR_SIZE,
  TRAILER_SIZE,
} from "../spec.ts";
import type { ByteCount, Bytes, Span } from "../types.ts";
import { adler32 } from "./hashes.ts";
import { bytes, type Decoded, reserved, struct, toByteCount, u8, u32, u64 } from "./struct.ts";
import { isZero } from "./zeros.ts";

/** The index block, row by row. Specification: byte layout, "Index block". */
export const INDEX_BLOCK = struct("index block", INDEX_SIZE, {
  formatVersion: u32,
  indexChecksum: u32, // Adler-32 of the block with these four bytes taken as zero
  packageSize: u64,
  launcherSize: u64,
  metadataOffset: u64,
  metadataSize: u64, // compressed
  slotTableOffset: u64,
  slotTableSize: u64,
  slotCount: u32,
  flags: u32,
  publicKey: bytes(32),
  metadataChecksum: bytes(32), // SHA-256 of the compressed metadata
  signature: bytes(64), // Ed25519 over the uncompressed metadata
  signatureRest: bytes(448),
  accessMode: u8,
  cacheStrategy: u8,
  codecHint: u8,
  encryptionHint: u8,
  pageSize: u32,
  maxMemory: u64,
  minMemory: u64,
  cpuFeatures: u64,
  gpuRequirements: u64,
  numaHints: u64,
  streamChunkSize: u32,
  padding: reserved(12),
  buildTimestamp: u64,
  buildMachine: bytes(32),
  sourceHash: bytes(32),
  dependencyHash: bytes(32),
  licenseId: bytes(16),
  provenanceUri: bytes(8),
  capabilities: u64,
  requirements: u64,
  extensions: u64,
  compatibility: u32,
  protocolVersion: u32,
  futureCrypto: bytes(512),
  // Ours, in FlavorPack's reserved space: the package id, so that a warm start finds its workenv without the metadata.
  packageId: bytes(8),
  rest: reserved(6808),
});

export type RawIndex = Decoded<(typeof INDEX_BLOCK)["rows"]>;

const RESERVED = (["padding", "rest"] as const).map((row) => [row, INDEX_BLOCK.rows[row]] as const);

/** Bits of `capabilities`. */
export const CAPABILITY = { mmap: 1n << 0n, pageAligned: 1n << 1n, signed: 1n << 7n } as const;

/** An index whose every offset is proven to lie inside the file. */
export interface PackageIndex {
  readonly raw: RawIndex;
  readonly fileSize: ByteCount;
  readonly launcher: Span;
  readonly metadata: Span;
  readonly slotTable: Span;
  readonly slotCount: number;
}

export const decodeIndex = (block: Bytes): RawIndex => INDEX_BLOCK.decode(block);

/** The block with its checksum filled in. */
export function encodeIndex(fields: Partial<RawIndex>): Bytes {
  const block = INDEX_BLOCK.encode({ ...fields, indexChecksum: 0 });
  new DataView(block.buffer).setUint32(INDEX_BLOCK.offsets.indexChecksum, indexChecksum(block), true);
  return block;
}

/** Adler-32 of an index block, its own checksum field taken as zero. */
export const indexChecksum = (block: Bytes): number =>
  adler32(withZeros(block, [INDEX_BLOCK.offsets.indexChecksum]));

/** FlavorPack's Go builder also zeroes the upper half of `package_size`, which shows from 4 GiB on. */
const goIndexChecksum = (block: Bytes): number =>
  adler32(withZeros(block, [INDEX_BLOCK.offsets.indexChecksum, INDEX_BLOCK.offsets.packageSize + 4]));

function withZeros(block: Bytes, starts: readonly number[]): Bytes {
  const copy = block.slice();
  for (const start of starts) copy.fill(0, start, start + 4);
  return copy;
}

/** Judges a block: checksum, version, that reserved space is zero, and that every range lies inside the file. */
export function checkIndex(block: Bytes, fileSize: number): PackageIndex {
  const raw = decodeIndex(block);
  if (raw.indexChecksum !== indexChecksum(block) && raw.indexChecksum !== goIndexChecksum(block))
    throw new PspfError("index-damaged", "Cannot trust the index: its checksum does not match its bytes", {
      hint: "the file is damaged: get it again",
    });
  if (raw.formatVersion !== FORMAT_VERSION)
    throw new PspfError(
      "unsupported-version",
      `Cannot read format version 0x${raw.formatVersion.toString(16)}: this program reads 0x${FORMAT_VERSION.toString(16)}`,
      { hint: "a newer version of flavor may read it" },
    );
  for (const [row, { size }] of RESERVED)
    if (!isZero(block.subarray(INDEX_BLOCK.offsets[row], INDEX_BLOCK.offsets[row] + size)))
      throw invalid("the index holds something in space that is reserved");
  if (raw.packageSize !== BigInt(fileSize))
    throw invalid(`the index says the package has ${raw.packageSize} bytes, the file has ${fileSize}`);
  return { raw, ...checkRanges(raw, fileSize) };
}

function checkRanges(raw: RawIndex, fileSize: number): Omit<PackageIndex, "raw"> {
  const end = fileSize - TRAILER_SIZE;
  const launcherSize = toByteCount(raw.launcherSize, "launcher_size");
  const metadata = span("metadata", raw.metadataOffset, raw.metadataSize, launcherSize, end);
  if (metadata.size === 0) throw invalid("there is no metadata");
  // gzip cannot make 1 MiB larger than this, so nothing larger is read into memory.
  if (metadata.size > MAX_METADATA_SIZE + 1024)
    throw invalid(`its metadata has ${metadata.size} bytes, too many`);
  if (raw.slotCount > MAX_SLOTS)
    throw invalid(`it has ${raw.slotCount} slots, at most ${MAX_SLOTS} are accepted`);
  if (raw.slotTableSize !== BigInt(raw.slotCount * SLOT_DESCRIPTOR_SIZE))
    throw invalid(`a table of ${raw.slotCount} slots cannot have ${raw.slotTableSize} bytes`);
  const slotTable =
    raw.slotCount === 0
      ? { offset: metadata.offset, size: 0 as ByteCount } // without slots the offset is 0 or a rounded-up position
      : span("the slot table", raw.slotTableOffset, raw.slotTableSize, launcherSize, end);
  if (slotTable.size > 0 && overlap(metadata, slotTable)) throw invalid("metadata and slot table overlap");
  return {
    fileSize: fileSize as ByteCount,
    launcher: { offset: 0 as ByteCount, size: launcherSize },
    metadata,
    slotTable,
    slotCount: raw.slotCount,
  };
}

/** A checked range, inside [from, to). */
export function span(what: string, offset: bigint, size: bigint, from: number, to: number): Span {
  const at = toByteCount(offset, `the offset of ${what}`);
  const length = toByteCount(size, `the size of ${what}`);
  if (at < from || at + length > to)
    throw invalid(`${what} would lie at ${at}..${at + length}, outside of ${from}..${to}`);
  return { offset: at, size: length };
}

export const overlap = (a: Span, b: Span): boolean =>
  a.offset < b.offset + b.size && b.offset < a.offset + a.size;

const invalid = (state: string) =>
  new PspfError("layout-invalid", `Cannot trust the layout: ${state}`, {
    hint: "the file is damaged or was cut short: get it again",
  });
