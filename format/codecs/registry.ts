import { PspfError } from "../errors.ts";
import { formatOperations, type OperationName } from "../wire/operations.ts";
import type { Codec } from "./codec.ts";

/** One loader per byte codec, so that a program pays only for what its chains name. */
const LOADERS: Readonly<Partial<Record<OperationName, () => Promise<Codec>>>> = {
  GZIP: async () => (await import("./gzip.ts")).gzip,
  BZIP2: async () => (await import("./bzip2.ts")).bzip2,
  XZ: async () => (await import("./xz.ts")).xz,
  // Asked in this form, because the bundler of the launcher knows the answer and leaves the portable one out.
  ZSTD: async () =>
    globalThis.Bun === undefined
      ? (await import("./zstd-portable.ts")).zstdPortable
      : (await import("./zstd.ts")).zstd,
};

/** The codec of that name; `operation-unsupported` for all that compresses no bytes. */
export async function loadCodec(name: OperationName): Promise<Codec> {
  const load = LOADERS[name];
  if (load !== undefined) return load();
  throw new PspfError(
    "operation-unsupported",
    `Cannot run the operation ${name.toLowerCase()}: it is no codec here`,
    {
      hint: `use one of ${formatOperations(Object.keys(LOADERS) as OperationName[]).replaceAll("|", ", ")}`,
    },
  );
}
