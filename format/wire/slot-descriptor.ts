import { SLOT_DESCRIPTOR_SIZE } from "../spec.ts";
import type { Bytes } from "../types.ts";
import { type Decoded, struct, u8, u64 } from "./struct.ts";

/** One entry of the slot table. Specification: slot descriptors. */
export const SLOT_DESCRIPTOR = struct("slot descriptor", SLOT_DESCRIPTOR_SIZE, {
  id: u64, // the slot's index
  nameHash: u64, // first 8 bytes of SHA-256 of a name, little-endian
  offset: u64, // absolute
  size: u64, // as stored
  originalSize: u64, // before the operations
  operations: u64, // up to 8 codes, first applied lowest
  checksum: u64, // first 8 bytes of SHA-256 of the stored bytes, little-endian
  purpose: u8,
  lifecycle: u8,
  priority: u8,
  platform: u8,
  reserved1: u8,
  reserved2: u8,
  permissionsLow: u8,
  permissionsHigh: u8,
});

export type RawSlot = Decoded<(typeof SLOT_DESCRIPTOR)["rows"]>;

export const decodeSlot = (descriptor: Bytes): RawSlot => SLOT_DESCRIPTOR.decode(descriptor);
export const encodeSlot = (slot: Partial<RawSlot>): Bytes => SLOT_DESCRIPTOR.encode(slot);

export const permissionsOf = (slot: RawSlot): number => slot.permissionsLow | (slot.permissionsHigh << 8);

export const permissionBytes = (mode: number): Pick<RawSlot, "permissionsLow" | "permissionsHigh"> => ({
  permissionsLow: mode & 0xff,
  permissionsHigh: (mode >> 8) & 0xff,
});

/** Raw descriptors of a whole table. */
export const decodeSlotTable = (table: Bytes): readonly RawSlot[] =>
  Array.from({ length: table.length / SLOT_DESCRIPTOR_SIZE }, (_, i) =>
    decodeSlot(table.slice(i * SLOT_DESCRIPTOR_SIZE, (i + 1) * SLOT_DESCRIPTOR_SIZE)),
  );
