import { chmodSync, existsSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { PspfError } from "../../format/errors.ts";
import { acquire, endLock } from "../../format/cache/locks/lock.ts";
import { doing, errnoOf } from "../../format/io/fs.ts";
import { replaceFile } from "../../format/io/replacement.ts";
import { readStore } from "../../format/trust/consult.ts";
import type { TrustPlaces } from "../../format/trust/places.ts";
import type { Keeper } from "../../format/trust/trust-file.ts";
import {
  EMPTY_STORE,
  encodeTrustStore,
  parseTrustStore,
  type TrustStore,
} from "../../format/trust/trust-store.ts";

/** A trust store of this machine and what it says. */
export interface StoreFile {
  readonly keeper: Keeper;
  /** Undefined where no variable names a home. */
  readonly path: string | undefined;
  readonly exists: boolean;
  readonly store: TrustStore;
}

/** Both stores, the user's first. Throws `trust-store-invalid` for one that cannot be used. */
export const readStores = (places: TrustPlaces): readonly [StoreFile, StoreFile] => [
  storeAt(places.userStore, "the user"),
  storeAt(places.systemStore, "the system"),
];

const storeAt = (path: string | undefined, keeper: Keeper): StoreFile => ({
  keeper,
  path,
  exists: path !== undefined && existsSync(path),
  store: path === undefined ? EMPTY_STORE : readStore(path, keeper),
});

/** What a change has done. */
export interface StoreChange {
  readonly path: string;
  readonly before: TrustStore;
  readonly after: TrustStore;
  readonly changed: boolean;
}

/**
 * Changes a store, and makes it where there is none. Changes that come at once wait for each other, and readers see the
 * old store or the new one. A store that cannot be used is not touched: `trust-store-invalid`. Also throws `io-failed`,
 * and `bad-arguments` where there is no place for it.
 */
export async function changeStore(
  places: TrustPlaces,
  keeper: Keeper,
  change: (store: TrustStore) => TrustStore,
): Promise<StoreChange> {
  const path = pathFor(places, keeper);
  return await withHint(keeper, async () => {
    makeFolder(dirname(path), keeper);
    const lockPath = `${path}.lock`;
    const lock = await acquire(lockPath, () => {});
    try {
      const before = readStore(path, keeper);
      const after = change(before);
      const text = encodeTrustStore(after);
      if (text === encodeTrustStore(before)) return { path, before, after, changed: false };
      // What could not be read again would refuse every start.
      parseTrustStore(new TextEncoder().encode(text), path);
      lock.confirm();
      replaceFile(fileAt(path), text, keeper === "the system" ? 0o644 : 0o600, "durable");
      return { path, before, after, changed: true };
    } finally {
      endLock(lockPath, lock);
    }
  });
}

function pathFor(places: TrustPlaces, keeper: Keeper): string {
  const path = keeper === "the system" ? places.systemStore : places.userStore;
  if (path === undefined)
    throw new PspfError("bad-arguments", "Cannot find your trust store: no variable names your home folder", {
      hint: "set HOME, or use the system's trust store with --system",
    });
  const owner = keeper === "the user" && process.getuid?.() === 0 ? ownerOf(dirname(path)) : 0;
  if (owner === 0) return path;
  throw new PspfError(
    "bad-arguments",
    `Cannot change ${path} as root: it belongs to another user (${owner}), who could not read it any more`,
    { hint: "run this as that user, or use the system's trust store with --system" },
  );
}

/** Whose the nearest folder is that exists. */
function ownerOf(folder: string): number {
  const above = dirname(folder);
  return statSync(folder, { throwIfNoEntry: false })?.uid ?? (above === folder ? 0 : ownerOf(above));
}

/** Everybody must be able to read what the machine's owner says, whatever the umask is. */
function makeFolder(folder: string, keeper: Keeper): void {
  if (existsSync(folder)) return;
  doing("create", folder, () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (keeper === "the system") chmodSync(folder, 0o755);
  });
}

/** Some keep such files elsewhere and have a link in their place: the link stays. */
function fileAt(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

async function withHint<T>(keeper: Keeper, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isDenied = error instanceof PspfError && ["EACCES", "EPERM"].includes(errnoOf(error.cause) ?? "");
    if (keeper !== "the system" || !isDenied) throw error;
    throw new PspfError(error.code, error.message, {
      cause: error.cause,
      hint: "only the machine's owner may change the system's trust store: run this as root",
    });
  }
}
