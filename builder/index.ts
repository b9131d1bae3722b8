export { PspfError } from "../format/errors.ts";
export { type ByteSource, memorySource, openFileSource } from "../format/io/byte-source.ts";
export type { Progress } from "../format/progress/progress.ts";
export type { Target } from "../format/platform.ts";
export { openPackage, type Package, type Slot } from "../format/reader.ts";
export type { Bytes, ByteStream, Sha256 } from "../format/types.ts";
export { isValid, type Verification, verifyPackage } from "../format/verify.ts";
export type { Check } from "../format/verifying/check.ts";
export type { BuildResult } from "./build.ts";
export type { StoredSlot } from "./stored-slot.ts";
export { type BuildContext, BuildError } from "./build-error.ts";
export { buildPackageFromManifest, type ManifestBuild } from "./build-from-manifest.ts";
export type { BuilderOptions } from "./build-planned.ts";
export {
  type CacheInfo,
  CacheManager,
  type CacheManagerOptions,
  type CachePlace,
  type CacheSize,
  type CleanOptions,
  type RepairedWorkenv,
  type VerifiedWorkenv,
  type WorkenvDetails,
} from "./cache-manager.ts";
export type { CleanReport, Failure, Kept, Removed } from "../format/cache/cleaning/clean.ts";
export type { GoReason, StayReason } from "../format/cache/cleaning/clean-plan.ts";
export { type GeneratedKeys, generateKeys, type KeyProtection } from "./keygen.ts";
export { type Manifest, readManifest } from "./manifest/manifest.ts";
export type { JsonObject } from "../format/json-object.ts";
export { Operation, OperationChain } from "./operation-chain.ts";
export { type Packed, type PackOptions, packManifest } from "./pack.ts";
export type { ExternalSigner, KeyChoice } from "./signing/key-choice.ts";
export { type Signer, signerFrom } from "./signing/signer.ts";
export { PSPFBuilder } from "./pspf-builder.ts";
export type { SlotContent, SlotDescriptor } from "./slot-descriptor.ts";
export { SlotPurpose } from "./slot-purpose.ts";
export type { CachedWorkenv, PackageInfo } from "../format/cache/entries.ts";
export type { RepairRequest, WorkenvRepair } from "../format/workenv/mending/repair-workenv.ts";
export type { WorkenvCheck } from "../format/workenv/mending/verify-workenv.ts";
