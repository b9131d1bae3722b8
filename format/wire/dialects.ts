import type { SlotEntry } from "./metadata-types.ts";
import { packOperations } from "./operations.ts";
import { nameHash } from "./hashes.ts";
import { permissionBytes, type RawSlot } from "./slot-descriptor.ts";

/**
 * The slot table is not signed; the metadata is. Each builder derives the table from the metadata by its own
 * rules. A table that follows none of them has been changed after signing.
 */
export interface Dialect {
  readonly name: string;
  /** What this builder writes for a slot, apart from the fields that the slot's bytes decide. */
  describe(slot: SlotEntry): DerivedFields;
}

export type DerivedFields = Omit<RawSlot, "offset" | "size" | "originalSize" | "checksum">;

const LIFECYCLES = [
  "init",
  "startup",
  "runtime",
  "shutdown",
  "cache",
  "temp",
  "lazy",
  "eager",
  "dev",
  "config",
  "platform",
] as const;

const RUNTIME = LIFECYCLES.indexOf("runtime");

/** Own members only: a purpose may be called "constructor". */
const lookUp = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** The lifecycle byte, with the synonyms that a builder knows; anything else is "runtime". */
function lifecycleByte(name: string, synonyms: Readonly<Record<string, string>>): number {
  const known = LIFECYCLES.indexOf((lookUp(synonyms, name) ?? name) as (typeof LIFECYCLES)[number]);
  return known === -1 ? RUNTIME : known;
}

const PYTHON_LIFECYCLES = {
  initialization: "init",
  cached: "cache",
  temporary: "temp",
  temp: "runtime",
  development: "dev",
};
const OUR_LIFECYCLES = {
  initialization: "init",
  "init-only": "init",
  cached: "cache",
  temporary: "temp",
  development: "dev",
};

const NATIVE_PURPOSES: Readonly<Record<string, number>> = { runtime: 1, tool: 2 };
const PYTHON_PURPOSES: Readonly<Record<string, number>> = { code: 1, config: 2, media: 3 };

const common = (slot: SlotEntry) => ({
  id: BigInt(slot.index),
  operations: packOperations(slot.operations),
  platform: 0,
  reserved1: 0,
  reserved2: 0,
});

/** Our own builder, by the reference's advice for strict writers. */
export const FLAVOR: Dialect = {
  name: "flavor",
  describe: (slot) => ({
    ...common(slot),
    nameHash: nameHash(slot.id),
    purpose: lookUp(PYTHON_PURPOSES, slot.purpose) ?? 0,
    lifecycle: lifecycleByte(slot.lifecycle, OUR_LIFECYCLES),
    priority: 1,
    ...permissionBytes(slot.permissions ?? 0o644),
  }),
};

const PYTHON: Dialect = {
  name: "flavor-python",
  describe: (slot) => ({
    ...common(slot),
    nameHash: nameHash(slot.id),
    purpose: lookUp(PYTHON_PURPOSES, slot.purpose) ?? 0,
    lifecycle: lifecycleByte(slot.lifecycle, PYTHON_LIFECYCLES),
    priority: 1,
    ...permissionBytes(slot.permissions ?? 0o644),
  }),
};

const RUST: Dialect = {
  name: "flavor-rs",
  describe: (slot) =>
    slot.selfRef
      ? { ...common(slot), nameHash: 0n, purpose: 0, lifecycle: 0, priority: 0, ...permissionBytes(0) }
      : {
          ...common(slot),
          nameHash: nameHash(slot.id),
          purpose: lookUp(NATIVE_PURPOSES, slot.purpose) ?? 0,
          lifecycle: lifecycleByte(slot.lifecycle, {}),
          priority: 1,
          ...permissionBytes(slot.permissions ?? 0o600),
        },
};

const GO: Dialect = {
  name: "flavor-go",
  describe: (slot) => ({
    ...common(slot),
    nameHash: nameHash(slot.rawTarget),
    purpose: lookUp(NATIVE_PURPOSES, slot.purpose) ?? 0,
    lifecycle: lifecycleByte(slot.lifecycle, {}),
    priority: 128,
    ...permissionBytes(slot.permissions ?? 0o600),
  }),
};

export const DIALECTS: readonly Dialect[] = [FLAVOR, PYTHON, RUST, GO];

/** The fields of a descriptor that a dialect would have written otherwise. */
export function differences(raw: RawSlot, slot: SlotEntry, dialect: Dialect): readonly string[] {
  const expected = dialect.describe(slot);
  return (Object.keys(expected) as (keyof DerivedFields)[]).filter((field) => raw[field] !== expected[field]);
}
