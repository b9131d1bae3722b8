import { PspfError } from "../errors.ts";
import { FORMAT_VERSION, TOOL_NAME } from "../spec.ts";
import { sameBytes } from "./hashes.ts";
import { CAPABILITY, type RawIndex } from "./index-block.ts";
import type { Metadata } from "./metadata-types.ts";

/** What the bytes of the package decide, and what other checks compare with them. */
type Decided =
  | "formatVersion"
  | "indexChecksum"
  | "packageSize"
  | "launcherSize"
  | "metadataOffset"
  | "metadataSize"
  | "slotTableOffset"
  | "slotTableSize"
  | "slotCount"
  | "publicKey"
  | "metadataChecksum"
  | "signature"
  | "signatureRest"
  | "packageId";

/** Every other field of the index, as our builder writes it: no reader acts on one of them. */
export const OUR_HINTS: Omit<RawIndex, Decided> = {
  flags: 0,
  accessMode: 0,
  cacheStrategy: 0,
  codecHint: 0,
  encryptionHint: 0,
  pageSize: 4096,
  maxMemory: 0n,
  minMemory: 0n,
  cpuFeatures: 0n,
  gpuRequirements: 0n,
  numaHints: 0n,
  streamChunkSize: 0,
  buildTimestamp: 0n,
  buildMachine: new Uint8Array(32),
  sourceHash: new Uint8Array(32),
  dependencyHash: new Uint8Array(32),
  licenseId: new Uint8Array(16),
  provenanceUri: new Uint8Array(8),
  capabilities: CAPABILITY.mmap | CAPABILITY.signed,
  requirements: 0n,
  extensions: 0n,
  compatibility: FORMAT_VERSION,
  protocolVersion: 1,
  futureCrypto: new Uint8Array(512),
};

/**
 * The index is not signed, but where the signed metadata says that our builder made the package, each of its fields
 * must be what that builder writes. What other builders hint at is ignored. Throws `layout-invalid` with the fields.
 */
export function checkHints(raw: RawIndex, { build }: Pick<Metadata, "build">): void {
  if (build?.tool !== TOOL_NAME) return;
  const hints = Object.keys(OUR_HINTS) as (keyof typeof OUR_HINTS)[];
  const odd: string[] = hints.filter((field) => !isSame(raw[field], OUR_HINTS[field])).map(asInSpecification);
  if (raw.packageId.every((byte) => byte === 0)) odd.push("package_id");
  if (odd.length === 0) return;
  throw new PspfError(
    "layout-invalid",
    `Cannot trust the index: it is not as ${TOOL_NAME} writes it in ${odd.join(", ")}`,
    { hint: "the file is damaged or was changed: get it again" },
  );
}

type Value = RawIndex[keyof RawIndex];

const isSame = (a: Value, b: Value): boolean =>
  a instanceof Uint8Array && b instanceof Uint8Array ? sameBytes(a, b) : a === b;

const asInSpecification = (field: string): string =>
  field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
