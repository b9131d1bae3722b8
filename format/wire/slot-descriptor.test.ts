import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  decodeSlot,
  decodeSlotTable,
  encodeSlot,
  permissionBytes,
  permissionsOf,
  type RawSlot,
  SLOT_DESCRIPTOR,
} from "./slot-descriptor.ts";

const byte = fc.nat(0xff);
const long = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0n, 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
);

const anySlot: fc.Arbitrary<RawSlot> = fc.record({
  id: long,
  nameHash: long,
  offset: long,
  size: long,
  originalSize: long,
  operations: long,
  checksum: long,
  purpose: byte,
  lifecycle: byte,
  priority: byte,
  platform: byte,
  reserved1: byte,
  reserved2: byte,
  permissionsLow: byte,
  permissionsHigh: byte,
});

test("every field has its place", () => {
  expect(SLOT_DESCRIPTOR.offsets).toEqual({
    id: 0,
    nameHash: 8,
    offset: 16,
    size: 24,
    originalSize: 32,
    operations: 40,
    checksum: 48,
    purpose: 56,
    lifecycle: 57,
    priority: 58,
    platform: 59,
    reserved1: 60,
    reserved2: 61,
    permissionsLow: 62,
    permissionsHigh: 63,
  });
});

test("a descriptor survives being written and read, with all 64 bits", () => {
  fc.assert(fc.property(anySlot, (slot) => expect(decodeSlot(encodeSlot(slot))).toEqual(slot)));
});

test("any 64 bytes survive being read and written", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (noise) => {
      const input = new Uint8Array(noise);
      expect(encodeSlot(decodeSlot(input)).toHex()).toBe(input.toHex());
    }),
  );
});

test("a table is its descriptors one after the other", () => {
  fc.assert(
    fc.property(fc.array(anySlot, { maxLength: 5 }), (slots) => {
      const table = new Uint8Array(slots.flatMap((slot) => [...encodeSlot(slot)]));
      expect(decodeSlotTable(table)).toEqual(slots);
    }),
  );
});

describe("permissions", () => {
  test.each([
    [0o755, "ed01"],
    [0o600, "8001"],
    [0o644, "a401"],
    [0o640, "a001"],
    [0o7777, "ff0f"],
    [0, "0000"],
  ])("%i in the last two bytes", (mode, hex) => {
    const block = encodeSlot(permissionBytes(mode));
    expect(block.slice(62).toHex()).toBe(hex);
    expect(permissionsOf(decodeSlot(block))).toBe(mode);
  });
});
