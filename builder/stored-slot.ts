import { digestPrefix } from "../format/wire/hashes.ts";
import { FLAVOR } from "../format/wire/dialects.ts";
import type { SlotEntry } from "../format/wire/metadata-types.ts";
import { encodeSlot as encodeDescriptor } from "../format/wire/slot-descriptor.ts";
import type { Bytes, Sha256 } from "../format/types.ts";
import type { Found } from "./slot-cache/slot-cache.ts";
import type { SlotInput } from "./slot-input.ts";
import type { WrittenBytes } from "./write-slot.ts";

/** A slot that lies in a package. */
export interface StoredSlot {
  readonly entry: SlotEntry;
  readonly offset: number;
  readonly size: number;
  readonly originalSize: number;
  readonly checksum: Bytes;
  /** What the build cache said of it, if it was asked. */
  readonly found?: Found;
}

/** The same while it is being built. */
export interface SlotInHand extends StoredSlot {
  readonly made: WrittenBytes["made"];
  readonly prints: WrittenBytes["prints"];
}

/** A slot by what was written of it. */
export function slotInHand(slot: SlotInput, index: number, written: WrittenBytes): SlotInHand {
  const { operations, permissions, offset, size, originalSize, checksum, made, prints, found } = written;
  const entry = entryOf(slot, index, { size, originalSize, checksum, operations, permissions });
  const isSelf = slot.data.kind === "self";
  return {
    entry,
    offset: isSelf ? 0 : offset,
    size,
    originalSize,
    checksum: isSelf ? new Uint8Array(32) : (Uint8Array.fromHex(checksum) as Bytes),
    made,
    prints,
    ...(found === undefined ? {} : { found }),
  };
}

type SlotFacts = Required<
  Pick<SlotEntry, "size" | "originalSize" | "checksum" | "operations" | "permissions">
>;

/** What the metadata says of a slot. */
export function entryOf(slot: SlotInput, index: number, facts: SlotFacts): SlotEntry {
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

/** Facts that are at least as long, as text, as those of any slot. */
export const LONGEST = {
  size: Number.MAX_SAFE_INTEGER,
  originalSize: Number.MAX_SAFE_INTEGER,
  checksum: "f".repeat(64) as Sha256,
  permissions: 0o7777,
  operations: Array.from({ length: 8 }, () => "BZIP2" as const),
};

/** The row of the slot table. */
export const descriptorOf = ({ entry, offset, size, originalSize, checksum }: StoredSlot): Bytes =>
  encodeDescriptor({
    ...FLAVOR.describe(entry),
    offset: BigInt(offset),
    size: BigInt(size),
    originalSize: BigInt(originalSize),
    checksum: digestPrefix(checksum),
  });
