import type { Package, Slot } from "../format/reader.ts";
import { type Seal, sealOf, signerOf } from "../format/seal/package-seal.ts";
import { SLOT_DESCRIPTOR_SIZE, TRAILER_SIZE, TRAILER_START } from "../format/spec.ts";
import { toHex } from "../format/wire/hashes.ts";
import { INDEX_BLOCK } from "../format/wire/index-block.ts";
import type { Metadata } from "../format/wire/metadata-types.ts";
import { SLOT_DESCRIPTOR } from "../format/wire/slot-descriptor.ts";

/** What a package says of itself, and whether its seal holds. Sizes are bytes. */
export interface Inspection {
  /** The name that its source has: a path, usually. */
  readonly source: string;
  readonly size: number;
  readonly formatVersion: number;
  /** The name of its workenv. */
  readonly packageId: string;
  readonly launcherSize: number;
  /** The metadata as stored, and uncompressed. */
  readonly metadataSize: number;
  readonly jsonSize: number;
  readonly metadata: Metadata;
  readonly seal: Seal;
  /** The key in the index, 64 hex digits; absent without a seal. */
  readonly key?: string;
  readonly slots: readonly Slot[];
}

/** Describes a package without reading a byte of its slots. */
export async function inspectPackage(pkg: Package): Promise<Inspection> {
  const { source, index, json, metadata, slots } = pkg;
  const seal = await sealOf(pkg);
  return {
    source: source.name,
    size: source.size,
    formatVersion: index.raw.formatVersion,
    packageId: pkg.id,
    launcherSize: index.launcher.size,
    metadataSize: index.metadata.size,
    jsonSize: json.length,
    metadata,
    seal,
    ...(seal === "missing" ? {} : { key: signerOf(pkg) }),
    slots,
  };
}

/** One row of a table in the file. */
export interface LayoutRow {
  readonly name: string;
  /** From the start of the file, in bytes. */
  readonly at: number;
  readonly size: number;
  /** Numbers of up to 32 bits, 64-bit ones as decimal text, bytes as hex; absent for reserved space. */
  readonly value?: number | string;
}

/** The index and the slot descriptors as they stand in the file, row by row. */
export interface ByteLayout {
  readonly index: readonly LayoutRow[];
  readonly slots: readonly (readonly LayoutRow[])[];
}

/** Says where in a package each field of its index and slot table lies; the codecs' own tables are the source. */
export function layoutOfPackage({ source, index, slots }: Package): ByteLayout {
  const indexAt = source.size - TRAILER_SIZE + TRAILER_START.length;
  return {
    index: rowsOf(INDEX_BLOCK, index.raw, indexAt),
    slots: slots.map(({ raw }, i) =>
      rowsOf(SLOT_DESCRIPTOR, raw, index.slotTable.offset + i * SLOT_DESCRIPTOR_SIZE),
    ),
  };
}

interface Table {
  readonly rows: Readonly<Record<string, { readonly size: number }>>;
  readonly offsets: Readonly<Record<string, number>>;
}

function rowsOf({ rows, offsets }: Table, values: object, base: number): readonly LayoutRow[] {
  const byName = new Map<string, unknown>(Object.entries(values));
  return Object.entries(rows).map(([name, { size }]) => {
    const row = { name, at: base + (offsets[name] as number), size };
    return byName.has(name) ? { ...row, value: printable(byName.get(name)) } : row;
  });
}

function printable(value: unknown): number | string {
  if (value instanceof Uint8Array) return toHex(value as Uint8Array<ArrayBuffer>);
  return typeof value === "number" ? value : String(value);
}
