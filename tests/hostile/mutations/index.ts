import { BLOCK_ROWS, FILE_ROWS } from "./block-rows.ts";
import { CONTENT_ROWS } from "./content-rows.ts";
import { DESCRIPTOR_ROWS } from "./descriptor-rows.ts";
import { INDEX_ROWS, KEY_ROWS } from "./index-rows.ts";
import { JSON_ROWS } from "./json-rows.ts";
import { METADATA_ROWS, STRANGER_ROWS } from "./metadata-rows.ts";
import type { Row } from "./row.ts";

/** Every mutation, by what it changes. */
export const MUTATIONS: Readonly<Record<string, readonly Row[]>> = {
  "the index": INDEX_ROWS,
  "keys and signatures": KEY_ROWS,
  "the slot table": DESCRIPTOR_ROWS,
  metadata: METADATA_ROWS,
  "the JSON": JSON_ROWS,
  "the metadata block": BLOCK_ROWS,
  "the file": FILE_ROWS,
  "slots and setup": CONTENT_ROWS,
  "the signer": STRANGER_ROWS,
};
