import { resolve } from "node:path";
import { PspfError } from "../format/errors.ts";
import { ioError } from "../format/io/fs.ts";
import { removeTree } from "../format/io/remove-tree.ts";
import { layoutOf, storeOf, type WorkenvLayout } from "../format/cache/layout.ts";
import { cacheDirectory } from "../format/cache/location.ts";
import type { Marker } from "../format/workenv/marker.ts";
import {
  type CachedWorkenv,
  describeEntry,
  entriesOf,
  findEntry,
  modifiedOf,
  type PackageInfo,
  packageInfoOf,
  readyMarker,
} from "../format/cache/entries.ts";
import { evict, isBusy, trashOf } from "../format/cache/evict.ts";
import { sweepStaging } from "../format/cache/staging.ts";
import { measure } from "../format/cache/measure.ts";

/** Where a manager looks. */
export interface CacheManagerOptions {
  /** The folder of the workenvs; where launchers look when not given. */
  readonly cacheDir?: string;
  /** The environment that decides about the folder; that of the process when not given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** The cache as a whole. */
export interface CacheInfo {
  readonly cacheDir: string;
  /** Bytes on the disk. */
  readonly size: number;
  readonly count: number;
  /** How many of them a launcher would use as they are. */
  readonly ready: number;
}

/** What to clean, and whether to do it. */
export interface CleanOptions {
  /** Only what was completed more than so many days ago; everything when not given. */
  readonly olderThanDays?: number;
  /** Only say what would be done. */
  readonly dryRun?: boolean;
}

/** What a cleaning did, or would do. */
export interface CleanReport {
  readonly removed: readonly CachedWorkenv[];
  /** Left alone, because an application runs from them, or another process is making them now. */
  readonly busy: readonly CachedWorkenv[];
  /** Not removed, or not wholly. */
  readonly failed: readonly { readonly path: string; readonly error: PspfError }[];
  /** Bytes on the disk that were freed. */
  readonly freed: number;
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
}

/**
 * Looks after the cache of workenvs that launchers fill. Damaged entries are described as far as they can be read;
 * names that are not ours are neither shown nor touched. What an application runs from is not removed.
 */
export class CacheManager {
  readonly cacheDir: string;

  /** Throws `no-workenv-location` when neither options nor environment name a place. */
  constructor(options: CacheManagerOptions = {}) {
    const { cacheDir, env = process.env } = options;
    const windows = process.platform === "win32";
    this.cacheDir = resolve(cacheDir ?? cacheDirectory({ env, cwd: () => process.cwd(), windows }));
  }

  /** Every workenv, the latest first. */
  listCached(): readonly CachedWorkenv[] {
    return entriesOf(this.cacheDir)
      .map(describeEntry)
      .sort((a, b) => b.modified.getTime() - a.modified.getTime());
  }

  /** Bytes on the disk of all workenvs and of the work areas beside them. */
  getCacheSize(): number {
    const entries = entriesOf(this.cacheDir).flatMap(({ content, bookkeeping }) => [content, bookkeeping]);
    return measure(...entries, ...Object.values(storeOf(this.cacheDir))).size;
  }

  /** Place, size and number of workenvs. */
  info(): CacheInfo {
    const entries = entriesOf(this.cacheDir);
    const ready = entries.filter((entry) => readyMarker(entry) !== undefined).length;
    return { cacheDir: this.cacheDir, size: this.getCacheSize(), count: entries.length, ready };
  }

  /** Removes workenvs, and what interrupted removals have left. An error with one of them does not stop the rest. */
  async clean(options: CleanOptions = {}): Promise<CleanReport> {
    const before = cutoffOf(options);
    const isOld = (layout: WorkenvLayout) => modifiedOf(layout).getTime() < before;
    const removed: CachedWorkenv[] = [];
    const busy: CachedWorkenv[] = [];
    const failed: { path: string; error: PspfError }[] = [];
    for (const layout of entriesOf(this.cacheDir).filter(isOld)) {
      const entry = describeEntry(layout);
      try {
        const outcome =
          options.dryRun === true
            ? (await isBusy(layout))
              ? "busy"
              : "removed"
            : await evict(layout, () => isOld(layout));
        if (outcome === "removed") removed.push(entry);
        if (outcome === "busy") busy.push(entry);
      } catch (error) {
        failed.push({ path: layout.content, error: ioError("remove", layout.content, error) });
      }
    }
    if (options.dryRun !== true) await sweepStaging(this.cacheDir);
    const swept = this.#sweep(options, failed);
    return { removed, busy, failed, freed: removed.reduce((sum, { size }) => sum + size, swept) };
  }

  /** Empties the trash. Bytes that were freed. */
  #sweep({ dryRun }: CleanOptions, failed: { path: string; error: PspfError }[]): number {
    let freed = 0;
    for (const path of trashOf(this.cacheDir)) {
      const { size } = measure(path);
      try {
        if (dryRun !== true) removeTree(path);
        globalThis.failPoint?.("trash-swept");
        freed += size;
      } catch (error) {
        failed.push({ path, error: ioError("remove", path, error) });
      }
    }
    return freed;
  }

  /**
   * Removes one workenv. Throws `workenv-not-found` as `resolveId` does, `workenv-busy` while it is
   * in use, and `io-failed`.
   */
  async remove(idOrPrefix: string): Promise<CachedWorkenv> {
    const layout = layoutOf(this.cacheDir, this.resolveId(idOrPrefix));
    const entry = describeEntry(layout);
    if ((await evict(layout)) !== "busy") return entry;
    throw new PspfError("workenv-busy", `Cannot remove the workenv ${entry.id}: it is in use`, {
      hint: "an application runs from it, or a start is making it: try again when that has ended",
    });
  }

  /** The id that a prefix of it means. Throws `workenv-not-found` when none begins so, or several do. */
  resolveId(idOrPrefix: string): string {
    const isPrefix = /^[0-9a-f]{1,16}$/.test(idOrPrefix);
    const found = isPrefix ? entriesOf(this.cacheDir).filter(({ id }) => id.startsWith(idOrPrefix)) : [];
    if (found.length === 1) return (found[0] as WorkenvLayout).id;
    const shown = JSON.stringify(idOrPrefix);
    if (found.length > 1)
      throw new PspfError("workenv-not-found", `Cannot find the workenv ${shown}: several begin so`, {
        problems: found.map((layout) => `${layout.id} ${describePackage(layout)}`),
        hint: "give more of its id",
      });
    const state = isPrefix
      ? `there is none in ${this.cacheDir}`
      : "that is no id, expected up to 16 hex digits";
    throw new PspfError("workenv-not-found", `Cannot find the workenv ${shown}: ${state}`, {
      hint: '"flavor workenv list" shows all of them',
    });
  }

  /** Everything about one workenv, by its whole id. Never throws: what is no id does not exist. */
  inspectWorkenv(id: string): WorkenvDetails | { readonly exists: false; readonly id: string } {
    const layout = findEntry(this.cacheDir, id);
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
    };
  }
}

const DAY = 24 * 60 * 60 * 1000;

function cutoffOf({ olderThanDays }: CleanOptions): number {
  if (olderThanDays === undefined) return Number.POSITIVE_INFINITY;
  if (Number.isFinite(olderThanDays) && olderThanDays >= 0) return Date.now() - olderThanDays * DAY;
  throw new PspfError(
    "bad-arguments",
    `Cannot clean what is older than ${olderThanDays} days: expected 0 or more`,
  );
}

function describePackage(layout: WorkenvLayout): string {
  const { name = "unknown", version = "" } = packageInfoOf(layout);
  return `${name} ${version}`.trimEnd();
}
