import type { RawSlot } from "../../../format/wire/slot-descriptor.ts";
import { descriptor, type Surgery } from "../surgery.ts";
import { SLOT } from "../victim.ts";
import type { Row } from "./row.ts";

type Cell = Omit<Row, "name">;

const { script, note, self } = SLOT;

const mismatch = (words: string) => ({ code: "slot-table-mismatch", words }) as const;
const range = (words: string) => ({ code: "value-out-of-range", words }) as const;
const outside = { code: "layout-invalid", words: "slot 0 would lie at" } as const;

/** A field that follows from the signed metadata. */
const derived = (field: keyof RawSlot, value: number | bigint): Cell => ({
  change: descriptor(script, () => ({ [field]: value })),
  ...mismatch(`slot 0: ${field} is not what was signed`),
});

const at = (slot: number, fields: Partial<RawSlot>): Surgery => descriptor(slot, () => fields);

/** Every field that a descriptor has; the types see to it that none is forgotten. */
const FIELDS: Readonly<Record<keyof RawSlot, readonly Cell[]>> = {
  id: [derived("id", 1n), derived("id", 1n << 63n)],
  nameHash: [derived("nameHash", 0n)],
  offset: [
    { change: at(script, { offset: 0n }), ...outside },
    { change: descriptor(script, (raw) => ({ offset: raw.packageSize - 8200n })), ...outside },
    {
      change: descriptor(script, (raw) => ({ offset: raw.metadataOffset })),
      code: "slot-table-invalid",
      words: "two parts of the package overlap",
    },
    {
      change: descriptor(script, (raw) => ({ offset: raw.slotTableOffset })),
      code: "slot-table-invalid",
      words: "two parts of the package overlap",
    },
    {
      change: descriptor(script, (raw) => ({ offset: raw.slotTableOffset + raw.slotTableSize + 8n })),
      code: "slot-table-invalid",
      words: "two parts of the package overlap",
    },
    { change: at(script, { offset: (1n << 53n) - 1n, size: (1n << 53n) - 1n }), ...outside },
    { change: at(script, { offset: (1n << 53n) + 1n }), ...range("the offset of slot 0") },
    { change: at(script, { offset: (1n << 64n) - 16n }), ...range("the offset of slot 0") },
    { change: at(self, { offset: 64n }), code: "layout-invalid", words: "slot 5 would lie at" },
  ],
  size: [
    { change: at(script, { size: 1n }), ...mismatch("slot 0: it has 1 bytes, 23 were signed") },
    { change: at(note, { size: 0n }), ...mismatch("slot 1: it has 0 bytes") },
    { change: descriptor(script, (raw) => ({ size: raw.packageSize })), ...outside },
    { change: at(script, { size: 1n << 53n }), ...range("the size of slot 0") },
    { change: at(script, { size: (1n << 64n) - 1n }), ...range("the size of slot 0") },
    { change: at(self, { size: 8n }), code: "layout-invalid", words: "slot 5 would lie at" },
  ],
  originalSize: [
    { change: at(script, { originalSize: 24n }), ...mismatch("it unpacks to 24 bytes, 23 were signed") },
    {
      change: at(note, { originalSize: (1n << 64n) - 1n }),
      ...mismatch("it unpacks to 18446744073709551615"),
    },
    { change: at(self, { originalSize: 1n }), ...mismatch("it stands for the package itself") },
  ],
  operations: [
    derived("operations", 0x10n),
    derived("operations", 0x1000n),
    derived("operations", (1n << 64n) - 1n),
    { change: at(note, { operations: 0n }), ...mismatch("slot 1: operations is not what was signed") },
  ],
  checksum: [
    { change: at(script, { checksum: 1n }), ...mismatch("its checksum is not the one that was signed") },
    { change: at(self, { checksum: 1n }), ...mismatch("its checksum is not the one that was signed") },
  ],
  purpose: [derived("purpose", 3)],
  lifecycle: [derived("lifecycle", 0)],
  priority: [derived("priority", 0)],
  platform: [derived("platform", 1)],
  reserved1: [derived("reserved1", 1)],
  reserved2: [derived("reserved2", 255)],
  permissionsLow: [derived("permissionsLow", 0xff)],
  permissionsHigh: [derived("permissionsHigh", 0x0d)],
};

export const DESCRIPTOR_ROWS: readonly Row[] = Object.entries(FIELDS).flatMap(([field, cells]) =>
  cells.map((cell, i) => ({ ...cell, name: `descriptor ${field} ${i + 1}` })),
);
