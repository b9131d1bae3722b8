import { INDEX_SIZE, TRAILER_END, TRAILER_SIZE, TRAILER_START } from "../../../format/spec.ts";
import type { Bytes } from "../../../format/types.ts";
import { INDEX_BLOCK, indexChecksum, type RawIndex } from "../../../format/wire/index-block.ts";
import { frameIndex } from "../../../format/wire/trailer.ts";
import { bytes, flip, index, type Surgery } from "../surgery.ts";
import { AUTHOR, STRANGER } from "../victim.ts";
import { keyPairFromText } from "../../../format/seal/keys.ts";
import type { Row } from "./row.ts";

type Cell = Omit<Row, "name" | "change"> & { readonly change: Surgery };

const layout = (words: string) => ({ code: "layout-invalid", words }) as const;
const range = (words: string) => ({ code: "value-out-of-range", words }) as const;

/** A field that nobody acts on: what our builder signs as its own must have it as that builder writes it. */
const hint = (field: keyof RawIndex, name: string): Cell => ({
  change: index((raw) => ({ [field]: changed(raw[field]) })),
  ...layout(`it is not as flavor writes it in ${name}`),
});

const changed = (value: RawIndex[keyof RawIndex]): RawIndex[keyof RawIndex] => {
  if (typeof value === "bigint") return value ^ (1n << 63n);
  if (typeof value === "number") return value ^ 1;
  return flippedLast(value);
};

const flippedLast = (value: Bytes): Bytes => value.with(-1, (value.at(-1) as number) ^ 1) as Bytes;
const flippedFirst = (value: Bytes): Bytes => value.with(0, (value[0] as number) ^ 1) as Bytes;

/** Bytes of the block that are no field, with a checksum that fits. */
const reserved = (at: number): Surgery =>
  bytes((tail) => {
    const block = tail.slice(-TRAILER_SIZE).slice(TRAILER_START.length, -TRAILER_END.length);
    block[at] = 1;
    new DataView(block.buffer).setUint32(INDEX_BLOCK.offsets.indexChecksum, indexChecksum(block), true);
    tail.set(frameIndex(block), tail.length - TRAILER_SIZE);
    return tail;
  });

const blockAt = (raw: RawIndex, field: keyof typeof INDEX_BLOCK.offsets): number =>
  Number(raw.packageSize) - TRAILER_SIZE + TRAILER_START.length + INDEX_BLOCK.offsets[field];

const HIDDEN = layout("the index holds something in space that is reserved");
const NO_SEAL = {
  code: "signature-invalid",
  words: "signature does not match",
  level: "standard",
} as const;

/** Every field that an index has; the types see to it that none is forgotten. */
const FIELDS: Readonly<Record<keyof typeof INDEX_BLOCK.rows, readonly Cell[]>> = {
  formatVersion: [
    {
      change: index(() => ({ formatVersion: 0x20250002 })),
      code: "unsupported-version",
      words: "Cannot read format version 0x20250002",
    },
  ],
  indexChecksum: [
    {
      change: flip((raw) => blockAt(raw, "indexChecksum")),
      code: "index-damaged",
      words: "its checksum does not match its bytes",
    },
  ],
  packageSize: [
    { change: index((raw) => ({ packageSize: raw.packageSize + 1n })), ...layout("the file has") },
    { change: index((raw) => ({ packageSize: raw.packageSize | (1n << 63n) })), ...layout("the file has") },
  ],
  launcherSize: [
    {
      change: index((raw) => ({ launcherSize: raw.launcherSize - 1n })),
      code: "launcher-checksum-mismatch",
      words: "were signed",
    },
    { change: index((raw) => ({ launcherSize: raw.packageSize })), ...layout("outside of") },
    { change: index(() => ({ launcherSize: 1n << 53n })), ...range("Cannot use launcher_size") },
    { change: index(() => ({ launcherSize: (1n << 64n) - 1n })), ...range("Cannot use launcher_size") },
  ],
  metadataOffset: [
    {
      change: index((raw) => ({ metadataOffset: raw.metadataOffset + 1n })),
      code: "metadata-checksum-mismatch",
      words: "its SHA-256 is not the one in the index",
    },
    { change: index(() => ({ metadataOffset: 0n })), ...layout("metadata would lie at 0..") },
    { change: index((raw) => ({ metadataOffset: raw.packageSize })), ...layout("metadata would lie at") },
    { change: index(() => ({ metadataOffset: 1n << 53n })), ...range("the offset of metadata") },
    {
      change: index(() => ({ metadataOffset: (1n << 64n) - 8n })),
      ...range("Cannot use the offset of metadata: 18446744073709551608"),
    },
  ],
  metadataSize: [
    { change: index(() => ({ metadataSize: 0n })), ...layout("there is no metadata") },
    {
      change: index((raw) => ({ metadataSize: raw.metadataSize - 1n })),
      code: "metadata-checksum-mismatch",
      words: "its SHA-256 is not the one in the index",
    },
    { change: index((raw) => ({ metadataSize: raw.packageSize })), ...layout("metadata would lie at") },
    { change: index(() => ({ metadataSize: (1n << 53n) + 1n })), ...range("the size of metadata") },
    { change: index(() => ({ metadataSize: (1n << 64n) - 1n })), ...range("the size of metadata") },
  ],
  slotTableOffset: [
    {
      change: index((raw) => ({ slotTableOffset: raw.slotTableOffset + 8n })),
      code: "slot-table-mismatch",
      words: "it does not follow from the signed metadata",
    },
    {
      change: index((raw) => ({ slotTableOffset: raw.metadataOffset })),
      ...layout("metadata and slot table overlap"),
    },
    { change: index(() => ({ slotTableOffset: 8n })), ...layout("the slot table would lie at 8..") },
    { change: index(() => ({ slotTableOffset: 1n << 62n })), ...range("the offset of the slot table") },
  ],
  slotTableSize: [
    {
      change: index((raw) => ({ slotTableSize: raw.slotTableSize + 64n })),
      ...layout("a table of 6 slots cannot have 448 bytes"),
    },
    {
      change: index((raw) => ({ slotTableSize: raw.slotTableSize - 1n })),
      ...layout("cannot have 383 bytes"),
    },
    {
      change: index(() => ({ slotTableSize: (1n << 64n) - 64n })),
      ...layout("a table of 6 slots cannot have"),
    },
  ],
  slotCount: [
    { change: index(() => ({ slotCount: 5 })), ...layout("a table of 5 slots cannot have 384 bytes") },
    {
      change: index(() => ({ slotCount: 5, slotTableSize: 320n })),
      code: "slot-table-mismatch",
      words: "it has 5 slots, the signed metadata 6",
    },
    {
      change: index(() => ({ slotCount: 0, slotTableSize: 0n })),
      code: "slot-table-mismatch",
      words: "it has 0 slots, the signed metadata 6",
    },
    {
      change: index(() => ({ slotCount: 0xffff_ffff, slotTableSize: 64n * 0xffff_ffffn })),
      ...layout("it has 4294967295 slots, at most 4096 are accepted"),
    },
    {
      change: index(() => ({ slotCount: 4097, slotTableSize: 64n * 4097n })),
      ...layout("it has 4097 slots, at most 4096 are accepted"),
    },
  ],
  flags: [hint("flags", "flags")],
  publicKey: [
    { change: index(() => ({ publicKey: keyPairFromText(STRANGER).publicKey })), ...NO_SEAL },
    { change: index(() => ({ publicKey: new Uint8Array(32) })), ...NO_SEAL },
  ],
  metadataChecksum: [
    {
      change: index((raw) => ({ metadataChecksum: flippedLast(raw.metadataChecksum) })),
      code: "metadata-checksum-mismatch",
      words: "its SHA-256 is not the one in the index",
    },
  ],
  signature: [
    { change: index((raw) => ({ signature: flippedFirst(raw.signature) })), ...NO_SEAL },
    { change: index((raw) => ({ signature: flippedLast(raw.signature) })), ...NO_SEAL },
    { change: index(() => ({ signature: new Uint8Array(64) })), ...NO_SEAL },
    {
      change: index(() => ({ signature: new Uint8Array(64), publicKey: new Uint8Array(32) })),
      code: "signature-missing",
      words: "is not signed",
      level: "standard",
    },
  ],
  signatureRest: [
    { change: index((raw) => ({ signatureRest: flippedLast(raw.signatureRest) })), ...NO_SEAL },
  ],
  accessMode: [hint("accessMode", "access_mode")],
  cacheStrategy: [hint("cacheStrategy", "cache_strategy")],
  codecHint: [hint("codecHint", "codec_hint")],
  encryptionHint: [hint("encryptionHint", "encryption_hint")],
  pageSize: [hint("pageSize", "page_size")],
  maxMemory: [hint("maxMemory", "max_memory")],
  minMemory: [hint("minMemory", "min_memory")],
  cpuFeatures: [hint("cpuFeatures", "cpu_features")],
  gpuRequirements: [hint("gpuRequirements", "gpu_requirements")],
  numaHints: [hint("numaHints", "numa_hints")],
  streamChunkSize: [hint("streamChunkSize", "stream_chunk_size")],
  padding: [{ change: reserved(INDEX_BLOCK.offsets.padding + 11), ...HIDDEN }],
  buildTimestamp: [hint("buildTimestamp", "build_timestamp")],
  buildMachine: [hint("buildMachine", "build_machine")],
  sourceHash: [hint("sourceHash", "source_hash")],
  dependencyHash: [hint("dependencyHash", "dependency_hash")],
  licenseId: [hint("licenseId", "license_id")],
  provenanceUri: [hint("provenanceUri", "provenance_uri")],
  capabilities: [hint("capabilities", "capabilities")],
  requirements: [hint("requirements", "requirements")],
  extensions: [hint("extensions", "extensions")],
  compatibility: [hint("compatibility", "compatibility")],
  protocolVersion: [hint("protocolVersion", "protocol_version")],
  futureCrypto: [hint("futureCrypto", "future_crypto")],
  packageId: [
    {
      change: index((raw) => ({ packageId: flippedFirst(raw.packageId) })),
      ...layout("Cannot trust the index: it is for package"),
    },
    {
      change: index(() => ({ packageId: new Uint8Array(8) })),
      ...layout("it is not as flavor writes it in package_id"),
    },
  ],
  rest: [
    { change: reserved(INDEX_BLOCK.offsets.rest), ...HIDDEN },
    { change: reserved(INDEX_SIZE - 1), ...HIDDEN },
  ],
};

export const INDEX_ROWS: readonly Row[] = Object.entries(FIELDS).flatMap(([field, cells]) =>
  cells.map((cell, i) => ({ name: `index ${field} ${i + 1}`, ...cell })),
);

/** Keys and signatures that do not belong together, beside those above. */
export const KEY_ROWS: readonly Row[] = [
  {
    name: "the key of somebody else with a signature of theirs, over something else",
    change: index((raw) => ({
      publicKey: keyPairFromText(STRANGER).publicKey,
      signature: flippedFirst(raw.signature),
    })),
    ...NO_SEAL,
  },
  {
    name: "the two halves of the signature changed places",
    change: index(({ signature }) => ({
      signature: new Uint8Array([...signature.slice(32), ...signature.slice(0, 32)]),
    })),
    ...NO_SEAL,
  },
  {
    name: "a key of small order with a signature that fits any message",
    change: index(() => ({
      publicKey: new Uint8Array(32).with(0, 1) as Bytes,
      signature: new Uint8Array(64).with(0, 1) as Bytes,
    })),
    ...NO_SEAL,
  },
  {
    name: "a signature whose scalar is not reduced",
    change: index(({ signature }) => ({ signature: withOrderAdded(signature) })),
    ...NO_SEAL,
  },
  {
    name: "the author's key with the sign of its point turned round",
    change: index(() => {
      const { publicKey } = keyPairFromText(AUTHOR);
      return { publicKey: publicKey.with(31, (publicKey[31] as number) ^ 0x80) as Bytes };
    }),
    ...NO_SEAL,
  },
];

/** The same scalar modulo the group's order L (RFC 8032, section 5.1), one L larger. */
function withOrderAdded(signature: Bytes): Bytes {
  const order = (1n << 252n) + 27742317777372353535851937790883648493n;
  let scalar = order;
  for (let i = 0; i < 32; i++) scalar += BigInt(signature[32 + i] as number) << BigInt(8 * i);
  const changed = signature.slice();
  for (let i = 0; i < 32; i++) changed[32 + i] = Number((scalar >> BigInt(8 * i)) & 0xffn);
  return changed;
}
