import { resolve } from "node:path";
import { PspfError } from "../format/errors.ts";
import { type CleanReport, cleanCaches } from "../format/cache/cleaning/clean.ts";
import type { Limits } from "../format/cache/cleaning/clean-plan.ts";
import {
  type CachedWorkenv,
  describeEntry,
  entriesOf,
  findEntry,
  type PackageInfo,
  packageInfoOf,
  readyMarker,
} from "../format/cache/entries.ts";
import { evict } from "../format/cache/cleaning/evict.ts";
import { storeOf, type WorkenvLayout } from "../format/cache/layout.ts";
import { cacheDirectory, type Rung } from "../format/cache/location.ts";
import { currentFolder } from "../format/io/fs.ts";
import { measure } from "../format/cache/cleaning/measure.ts";
import { cachePlaces } from "../format/cache/places.ts";
import type { Progress } from "../format/progress/progress.ts";
import type { Marker } from "../format/workenv/marker.ts";
import {
  repairWorkenv,
  type RepairRequest,
  type WorkenvRepair,
} from "../format/workenv/mending/repair-workenv.ts";
import { hasUnsavedEdits } from "../format/workenv/user-files/unsaved.ts";
import { verifyWorkenv, type WorkenvCheck } from "../format/workenv/mending/verify-workenv.ts";

/** Where a manager looks. */
export interface CacheManagerOptions {
  /** The folder of the workenvs; where launchers look when not given. */
  readonly cacheDir?: string;
  /** The environment that decides about the folders; that of the process when not given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Size and number of workenvs. */
export interface CacheSize {
  /** Bytes on the disk. */
  readonly size: number;
  readonly count: number;
  /** How many of them a launcher would use as they are. */
  readonly ready: number;
}

/** One of the folders that launchers look into. */
export interface CachePlace extends CacheSize {
  readonly cacheDir: string;
  /** What names it. */
  readonly why: Rung["why"] | "given";
}

/** The cache as a whole; sizes are of all places together. */
export interface CacheInfo extends CacheSize {
  /** The first place, where new workenvs are made if they can be made there. */
  readonly cacheDir: string;
  readonly places: readonly CachePlace[];
}

/** What to clean, and whether to do it. Without limits everything goes. */
export interface CleanOptions {
  /** Only what was last used more than so many days ago. */
  readonly olderThanDays?: number;
  /** Only the least recently used, until all places together take so many bytes on the disk. */
  readonly maxSize?: number;
  /** Only say what would be done. */
  readonly dryRun?: boolean;
}

/** A workenv that was looked through. */
export interface VerifiedWorkenv extends CachedWorkenv {
  /** Undefined for one that is not complete: the next start makes it anew. */
  readonly check: WorkenvCheck | undefined;
}

/** A workenv that was repaired. */
export interface RepairedWorkenv extends CachedWorkenv {
  readonly repair: WorkenvRepair;
}

/** One workenv with all its facts. */
export interface WorkenvDetails extends CachedWorkenv {
  readonly exists: true;
  readonly contentDir: string;
  readonly metadataDir: string;
  /** What a ready entry's marker says. */
  readonly marker: Pick<Marker, "digest" | "seal" | "created"> | undefined;
  readonly packageInfo: PackageInfo;
  /** Everything but folders in the content. */
  readonly files: number;
  /** Whether something that users edited would be lost with it. */
  readonly edited: boolean;
}

/**
 * Looks after the caches of workenvs that launchers fill. Damaged entries are described as far as they can be read;
 * names that are not ours are neither shown nor touched. What an application runs from is not removed.
 */
export class CacheManager {
  /** The first of the places. */
  readonly cacheDir: string;
  readonly #places: readonly Pick<CachePlace, "cacheDir" | "why">[];

  /** Throws `no-workenv-location` when neither options nor environment name a place. */
  constructor(options: CacheManagerOptions = {}) {
    const { cacheDir, env = process.env } = options;
    this.#places = cacheDir === undefined ? placesOf(env) : [{ cacheDir: resolve(cacheDir), why: "given" }];
    this.cacheDir = (this.#places[0] as CachePlace).cacheDir;
  }

  /** Every workenv, the last used first. */
  listCached(): readonly CachedWorkenv[] {
    return this.#entries()
      .map((layout) => describeEntry(layout))
      .sort((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime());
  }

  /** Bytes on the disk of all workenvs and of the work areas beside them. */
  getCacheSize(): number {
    return sizeOf(...this.#places.map(({ cacheDir }) => cacheDir));
  }

  /** Places, sizes and numbers of workenvs. */
  info(): CacheInfo {
    const places = this.#places.map(({ cacheDir, why }): CachePlace => {
      const entries = entriesOf(cacheDir);
      const ready = entries.filter((entry) => readyMarker(entry) !== undefined).length;
      return { cacheDir, why, size: sizeOf(cacheDir), count: entries.length, ready };
    });
    const sum = (key: "count" | "ready") => places.reduce((total, place) => total + place[key], 0);
    const size = this.getCacheSize();
    return { cacheDir: this.cacheDir, size, count: sum("count"), ready: sum("ready"), places };
  }

  /** Removes workenvs, and what interrupted removals have left. An error with one of them does not stop the rest. */
  async clean(options: CleanOptions = {}): Promise<CleanReport> {
    return await cleanCaches({
      caches: this.#places.map(({ cacheDir }) => cacheDir),
      limits: limitsIn(options),
      mode: options.dryRun === true ? "say" : "do",
    });
  }

  /**
   * Removes one workenv. Throws `workenv-not-found` as `resolveId` does, `workenv-busy` while it is
   * in use, and `io-failed`.
   */
  async remove(idOrPrefix: string): Promise<CachedWorkenv> {
    const layout = this.#find(idOrPrefix);
    const entry = describeEntry(layout);
    const outcome = await evict(layout);
    if (outcome === "removed" || outcome === "kept") return entry;
    const state = outcome === "in use" ? "an application is running from it" : "a launcher is making it";
    throw new PspfError("workenv-busy", `Cannot remove the workenv ${entry.id}: ${state}`, {
      hint: "try again when that has ended",
    });
  }

  /** The id that a prefix of it means. Throws `workenv-not-found` when none begins so, or several do. */
  resolveId(idOrPrefix: string): string {
    return this.#find(idOrPrefix).id;
  }

  /** Everything about one workenv, by its whole id. Never throws: what is no id does not exist. */
  inspectWorkenv(id: string): WorkenvDetails | { readonly exists: false; readonly id: string } {
    const [layout] = this.#places.flatMap(({ cacheDir }) => findEntry(cacheDir, id) ?? []);
    if (layout === undefined) return { exists: false, id };
    const marker = readyMarker(layout);
    return {
      ...describeEntry(layout),
      exists: true,
      contentDir: layout.content,
      metadataDir: layout.bookkeeping,
      marker: marker && { digest: marker.digest, seal: marker.seal, created: marker.created },
      packageInfo: packageInfoOf(layout),
      files: measure(layout.content).files,
      edited: hasUnsavedEdits(layout),
    };
  }

  /**
   * Looks at every file of a workenv, and compares the bytes with its package: that at `path`, or where the launcher
   * found it; `progress` is told how it gets on. Throws `workenv-not-found` as `resolveId` does, and what is wrong with the package.
   */
  async verify(idOrPrefix: string, path?: string, progress?: Progress): Promise<VerifiedWorkenv> {
    const layout = this.#find(idOrPrefix);
    const check = await verifyWorkenv(layout, path, progress);
    return { ...describeEntry(layout), check };
  }

  /**
   * Puts files of a workenv back from its package; what the application may change only with "everything". Throws
   * `workenv-not-found` as `resolveId` does, `workenv-busy`, `workenv-damaged`, and what is wrong with the package.
   */
  async repair(idOrPrefix: string, request: RepairRequest = { extent: "damage" }): Promise<RepairedWorkenv> {
    const layout = this.#find(idOrPrefix);
    const repair = await repairWorkenv(layout, request);
    return { ...describeEntry(layout), repair };
  }

  #entries(): readonly WorkenvLayout[] {
    return this.#places.flatMap(({ cacheDir }) => entriesOf(cacheDir));
  }

  #find(idOrPrefix: string): WorkenvLayout {
    const isPrefix = /^[0-9a-f]{1,16}$/.test(idOrPrefix);
    const found = isPrefix ? this.#entries().filter(({ id }) => id.startsWith(idOrPrefix)) : [];
    const [first] = found;
    if (first !== undefined && found.length === 1) return first;
    const shown = JSON.stringify(idOrPrefix);
    if (first !== undefined) {
      const isOne = found.every(({ id }) => id === first.id);
      throw new PspfError("workenv-not-found", `Cannot find the workenv ${shown}: several begin so`, {
        problems: found.map((layout) => `${layout.id} ${describePackage(layout)} in ${layout.cache}`),
        hint: isOne ? "set FLAVOR_CACHE to the folder that it is in" : "give more of its id",
      });
    }
    const places = this.#places.map(({ cacheDir }) => cacheDir).join(", ");
    const state = isPrefix ? `there is none in ${places}` : "that is no id, expected up to 16 hex digits";
    throw new PspfError("workenv-not-found", `Cannot find the workenv ${shown}: ${state}`, {
      hint: '"flavor workenv list" shows all of them',
    });
  }
}

/** Throws `no-workenv-location` when there is none. */
function placesOf(
  env: Readonly<Record<string, string | undefined>>,
): readonly Pick<CachePlace, "cacheDir" | "why">[] {
  const windows = process.platform === "win32";
  const facts = { env, cwd: currentFolder, windows, uid: process.getuid?.() };
  const places = cachePlaces(facts).map(({ path, why }) => ({ cacheDir: path, why }));
  return places.length > 0 ? places : [{ cacheDir: cacheDirectory(facts), why: "home" }];
}

/** Bytes on the disk of what is ours in caches; a file with several names counts once. */
function sizeOf(...caches: readonly string[]): number {
  return measure(
    ...caches.flatMap((cache) => [
      ...entriesOf(cache).flatMap(({ content, bookkeeping }) => [content, bookkeeping]),
      ...Object.values(storeOf(cache)),
    ]),
  ).size;
}

const DAY = 24 * 60 * 60 * 1000;

function limitsIn({ olderThanDays, maxSize }: CleanOptions): Limits | "everything" {
  if (olderThanDays === undefined && maxSize === undefined) return "everything";
  return {
    maxAge: checked(olderThanDays, "days") * DAY,
    maxSize: checked(maxSize, "bytes"),
    spare: "none",
  };
}

function checked(limit: number | undefined, unit: string): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  if (Number.isFinite(limit) && limit >= 0) return limit;
  throw new PspfError("bad-arguments", `Cannot clean with a limit of ${limit} ${unit}: expected 0 or more`);
}

function describePackage(layout: WorkenvLayout): string {
  const { name = "unknown", version = "" } = packageInfoOf(layout);
  return `${name} ${version}`.trimEnd();
}
