import { toHex } from "../wire/hashes.ts";
import type { PackageIndex } from "../wire/index-block.ts";

/** `instance/index.json`: the keys, in the order, that FlavorPack's launchers write. */
export function indexAsJson({ raw }: PackageIndex): string {
  const numbers = {
    format_version: raw.formatVersion,
    package_size: Number(raw.packageSize),
    launcher_size: Number(raw.launcherSize),
    metadata_offset: Number(raw.metadataOffset),
    metadata_size: Number(raw.metadataSize),
    slot_table_offset: Number(raw.slotTableOffset),
    slot_table_size: Number(raw.slotTableSize),
    slot_count: raw.slotCount,
    flags: raw.flags,
  };
  const rest = {
    index_checksum: raw.indexChecksum.toString(16).padStart(8, "0"),
    metadata_checksum: toHex(raw.metadataChecksum),
    build_timestamp: Number(raw.buildTimestamp),
    page_size: raw.pageSize,
    capabilities: Number(raw.capabilities),
    requirements: Number(raw.requirements),
  };
  return `${JSON.stringify({ ...numbers, ...rest }, null, 2)}\n`;
}
