export { type ErrorCode, EXIT_CODES, exitCodeOf, PspfError, renderError } from "./errors.ts";
export { type ByteSource, memorySource, openFileSource, streamRange } from "./io/byte-source.ts";
export { openTreeWriter, type TreeWriter, type TreeWriterOptions } from "./io/tree-writer.ts";
export { isTarget, matchesTarget, TARGET_NAMES, type Target } from "./platform.ts";
export { openPackage, type Package, readSlot, type Slot, type StoredBytes } from "./reader.ts";
export { FLAVOR_VERSION, FORMAT_NAME, FORMAT_VERSION } from "./spec.ts";
export type { ByteCount, Bytes, ByteStream, Sha256, Span } from "./types.ts";
export { isValid, type Verification, verifyPackage } from "./verify.ts";
export type { Check } from "./verifying/check.ts";
export { INDEX_BLOCK, type PackageIndex, type RawIndex } from "./wire/index-block.ts";
export { parseMetadata } from "./wire/metadata.ts";
export type {
  BuildFacts,
  Execution,
  LauncherFacts,
  Metadata,
  RuntimeEnv,
  SetupCommand,
  SlotEntry,
  WorkenvDirectory,
  WorkenvPlan,
} from "./wire/metadata-types.ts";
export {
  formatOperations,
  type OperationName,
  OPERATIONS,
  packOperations,
  parseOperations,
  SUPPORTED,
  unpackOperations,
} from "./wire/operations.ts";
export { type RawSlot, SLOT_DESCRIPTOR } from "./wire/slot-descriptor.ts";
export { extractSlot } from "./workenv/unpacking/extract-slot.ts";
export { packageIdOf } from "./cache/layout.ts";
