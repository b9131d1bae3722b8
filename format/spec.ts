import type { Bytes } from "./types.ts";

/** Numbers of PSPF/2025 that more than one module needs. */

/** The version of this program, kept equal to package.json by a test. */
export const FLAVOR_VERSION = "0.1.0";

/** What packages of this program have as `build.tool`. */
export const TOOL_NAME = "flavor";

export const FORMAT_NAME = "PSPF/2025";
/** Index field `format_version`. */
export const FORMAT_VERSION = 0x20250001;

/** U+1F4E6 PACKAGE in UTF-8: the four bytes before the index block. */
export const TRAILER_START: Bytes = Uint8Array.of(0xf0, 0x9f, 0x93, 0xa6);
/** U+1FA84 MAGIC WAND in UTF-8: the last four bytes of every package. */
export const TRAILER_END: Bytes = Uint8Array.of(0xf0, 0x9f, 0xaa, 0x84);

export const INDEX_SIZE = 8192;
export const TRAILER_SIZE = TRAILER_START.length + INDEX_SIZE + TRAILER_END.length;
export const SLOT_DESCRIPTOR_SIZE = 64;

/** The metadata may not be larger than this when uncompressed: FlavorPack's Rust launcher reads no further. */
export const MAX_METADATA_SIZE = 1024 * 1024;
/** More slots than this are refused before a table is read. The format itself sets no limit. */
export const MAX_SLOTS = 4096;
/** Operations in one chain: one byte each in a u64. */
export const MAX_OPERATIONS = 8;
/** Starts of the slot table and of the slots are rounded up to this. */
export const ALIGNMENT = 8;
