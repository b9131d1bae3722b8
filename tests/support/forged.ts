import { keyPairFromText } from "../../format/seal/keys.ts";
import { signWith } from "../../format/seal/sign.ts";
import { FORMAT_VERSION, SLOT_DESCRIPTOR_SIZE, TRAILER_SIZE } from "../../format/spec.ts";
import type { Bytes } from "../../format/types.ts";
import { sha256 } from "../../format/wire/hashes.ts";
import { decodeIndex, encodeIndex, type RawIndex } from "../../format/wire/index-block.ts";
import { gzipMetadata } from "../../format/wire/metadata-block.ts";
import { decodeSlot, encodeSlot, type RawSlot } from "../../format/wire/slot-descriptor.ts";
import { frameIndex, unframeIndex } from "../../format/wire/trailer.ts";
import { STUB_LAUNCHER } from "./packages.ts";

/** The raw index of a package that has one. */
export function indexOf(pkg: Bytes): RawIndex {
  const block = unframeIndex(pkg.slice(-TRAILER_SIZE));
  if (block === undefined) throw new Error("these bytes are not a package");
  return decodeIndex(block);
}

/** The package with other index fields and an index checksum that fits them: what an attacker can always do. */
export function withIndex(pkg: Bytes, fields: Partial<RawIndex>): Bytes {
  const copy = pkg.slice();
  copy.set(frameIndex(encodeIndex({ ...indexOf(pkg), ...fields })), copy.length - TRAILER_SIZE);
  return copy;
}

/** The package with other fields in one slot descriptor; without its first `missing` bytes, as it may be given. */
export function withSlot(pkg: Bytes, slot: number, fields: Partial<RawSlot>, missing = 0): Bytes {
  const copy = pkg.slice();
  const at = Number(indexOf(pkg).slotTableOffset) + slot * SLOT_DESCRIPTOR_SIZE - missing;
  const raw = decodeSlot(copy.slice(at, at + SLOT_DESCRIPTOR_SIZE));
  copy.set(encodeSlot({ ...raw, ...fields }), at);
  return copy;
}

/** The package with one byte changed. */
export function withFlip(pkg: Bytes, at: number, flip: number): Bytes {
  const copy = pkg.slice();
  copy[at] = (copy[at] as number) ^ flip;
  return copy;
}

export interface Forgery {
  /** What is signed. */
  readonly json: Bytes;
  /** What is stored; the JSON as one gzip member when not given. */
  readonly block?: Bytes;
  /** Slot table and slots, as bytes behind the metadata. */
  readonly rest?: Bytes;
  /** Fields that win over the true ones. */
  readonly index?: Partial<RawIndex>;
}

/** A package without slots around any metadata whatever, with right checksums and a signature that holds. */
export async function forgePackage({ json, block, rest = new Uint8Array(), index }: Forgery): Promise<Bytes> {
  const stored = block ?? (await gzipMetadata(json));
  const { seed, publicKey } = keyPairFromText("test");
  const head = new Uint8Array([...STUB_LAUNCHER, ...stored, ...rest]);
  const fields: Partial<RawIndex> = {
    formatVersion: FORMAT_VERSION,
    packageSize: BigInt(head.length + TRAILER_SIZE),
    launcherSize: BigInt(STUB_LAUNCHER.length),
    metadataOffset: BigInt(STUB_LAUNCHER.length),
    metadataSize: BigInt(stored.length),
    publicKey,
    metadataChecksum: sha256(stored),
    signature: signWith(seed, json),
  };
  return new Uint8Array([...head, ...frameIndex(encodeIndex({ ...fields, ...index }))]);
}
