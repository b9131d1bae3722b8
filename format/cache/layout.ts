import { join } from "node:path";
import type { Sha256 } from "../types.ts";
import { sha256Hex } from "../wire/hashes.ts";
import type { Metadata } from "../wire/metadata-types.ts";

/** The name of a package's workenv: 16 hex digits. It only names; the marker inside decides. */
export const packageIdOf = ({ name, version }: Metadata["package"], jsonDigest: Sha256): string =>
  sha256Hex(`${name}:${version}:${jsonDigest}`).slice(0, 16);

export const isPackageId = (name: string): boolean => /^[0-9a-f]{16}$/.test(name);

/** Every path of one entry of the cache. Pure: nothing here touches a disk. */
export interface WorkenvLayout {
  readonly cache: string;
  readonly id: string;
  /** The content: what the application sees as `{workenv}`. */
  readonly content: string;
  readonly bookkeeping: string;
  /** The index block as JSON, for people and for FlavorPack's tools. */
  readonly index: string;
  /** The completion marker, always written last. */
  readonly marker: string;
  /** What the files of the content looked like when it was made. */
  readonly files: string;
  /** The metadata of the package. */
  readonly metadata: string;
  /** What the launcher needs to act as Bun for this package. */
  readonly bun: string;
  /** Held by whoever makes or removes the entry. */
  readonly making: string;
  /** Shared by all who use the content, exclusive for who renames or removes it. */
  readonly lock: string;
}

export function layoutOf(cache: string, id: string): WorkenvLayout {
  const bookkeeping = join(cache, `.${id}.pspf`);
  const { locks } = storeOf(cache);
  return {
    cache,
    id,
    content: join(cache, id),
    bookkeeping,
    index: join(bookkeeping, "instance", "index.json"),
    marker: join(bookkeeping, "instance", "extract", "complete"),
    files: join(bookkeeping, "instance", "files.json"),
    metadata: join(bookkeeping, "package", "psp.json"),
    bun: join(bookkeeping, "bun"),
    making: join(locks, `make-${id}`),
    lock: join(locks, `env-${id}`),
  };
}

/** Work areas shared by all entries. They lie in the cache, so that a rename from them never crosses a disk. */
export const storeOf = (cache: string) => ({
  locks: join(cache, ".store", "v1", "locks"),
  staging: join(cache, ".store", "v1", "staging"),
  trash: join(cache, ".store", "v1", "trash"),
});
