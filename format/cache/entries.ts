import { readdirSync, readFileSync } from "node:fs";
import { doing, errnoOf } from "../io/fs.ts";
import { MAX_METADATA_SIZE } from "../spec.ts";
import { isInPlace, readMarker } from "../workenv/entry.ts";
import { isPackageId, layoutOf, type WorkenvLayout } from "./layout.ts";
import type { Marker } from "../workenv/marker.ts";
import { isObject } from "../json-object.ts";
import { measure, statOf } from "./cleaning/measure.ts";

/** One workenv of the cache, as far as it can be read: whatever is missing or damaged in it is undefined. */
export interface CachedWorkenv {
  /** 16 hex digits. */
  readonly id: string;
  /** The folder of workenvs that it is in. */
  readonly cacheDir: string;
  readonly name: string | undefined;
  readonly version: string | undefined;
  /** Bytes on the disk, bookkeeping included; what has several names counts once. */
  readonly size: number;
  /** When it was made ready; until then, when its folders last changed. */
  readonly modified: Date;
  /** When an application was last started from it, to within a day. */
  readonly lastUsed: Date;
  /** Whether a launcher would use it: complete, and vouched for by its marker. */
  readonly ready: boolean;
}

/**
 * The entries of a cache that does or does not exist. What launchers have made has bookkeeping, or a lock file while
 * it has none yet; folders that only look like ours have neither, and are left alone like every other name.
 */
export function entriesOf(cache: string): readonly WorkenvLayout[] {
  const ids = namesIn(cache).flatMap(
    (name) => /^(?:([0-9a-f]{16})|\.([0-9a-f]{16})\.pspf)$/.exec(name)?.slice(1) ?? [],
  );
  return [...new Set(ids)].sort().flatMap((id) => findEntry(cache, id) ?? []);
}

/** The entry with this id, if there is one. */
export function findEntry(cache: string, id: string | undefined): WorkenvLayout | undefined {
  if (id === undefined || !isPackageId(id)) return undefined;
  const layout = layoutOf(cache, id);
  const isFolder = (path: string) => statOf(path)?.isDirectory() === true;
  const isOurs = isFolder(layout.bookkeeping) || (isFolder(layout.content) && hasLockFile(layout));
  return isOurs ? layout : undefined;
}

/** Whether a launcher has locked this entry at some time. Without a callable C library, the lock is a database. */
const hasLockFile = ({ making, lock }: WorkenvLayout): boolean =>
  [making, lock, `${making}.sqlite`, `${lock}.sqlite`].some((path) => statOf(path)?.isFile() === true);

/** What there is to say about an entry, with its bytes on the disk if they are known. Never throws. */
export function describeEntry(layout: WorkenvLayout, size?: number): CachedWorkenv {
  const { id, cache, content, bookkeeping } = layout;
  const { name, version } = packageInfoOf(layout);
  const marker = readyMarker(layout);
  const lastUsed = new Date(lastUsedOf(layout));
  return {
    id,
    cacheDir: cache,
    name,
    version,
    size: size ?? measure(content, bookkeeping).size,
    modified: dateIn(marker?.created) ?? lastUsed,
    lastUsed,
    ready: marker !== undefined,
  };
}

/** When an entry was last used, in milliseconds since 1970: starts touch its marker. Without one, when it last changed. */
export function lastUsedOf({ marker, content, bookkeeping }: WorkenvLayout): number {
  const times = (paths: readonly string[]) => paths.flatMap((path) => statOf(path)?.mtimeMs ?? []);
  const [touched] = times([marker]);
  return touched ?? Math.max(0, ...times([content, bookkeeping]));
}

function dateIn(text: unknown): Date | undefined {
  const date = typeof text === "string" ? new Date(text) : undefined;
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date;
}

/** The marker of an entry, if it vouches for the content that lies there now. */
export function readyMarker(layout: WorkenvLayout): Marker | undefined {
  const marker = statOf(layout.marker)?.isFile() === true ? readMarker(layout) : undefined;
  return marker !== undefined && isInPlace(marker, layout) ? marker : undefined;
}

/** Who made what: members of the package's metadata that are texts. */
export interface PackageInfo {
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly builder: string | undefined;
}

/** From the copy of the metadata that lies in the entry, which nobody has checked since it was unpacked. */
export function packageInfoOf({ metadata }: WorkenvLayout): PackageInfo {
  const document = readJson(metadata);
  const about = membersOf(document, "package");
  const build = membersOf(document, "build");
  const tool = [textOf(build, "tool"), textOf(build, "tool_version")];
  return {
    name: textOf(about, "name"),
    version: textOf(about, "version"),
    builder: tool.filter((part) => part !== undefined).join(" ") || undefined,
  };
}

function readJson(path: string): unknown {
  const stat = statOf(path);
  if (stat?.isFile() !== true || stat.size > MAX_METADATA_SIZE) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

const membersOf = (value: unknown, key: string): unknown =>
  isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;

function textOf(value: unknown, key: string): string | undefined {
  const text = membersOf(value, key);
  return typeof text === "string" ? text : undefined;
}

function namesIn(cache: string): readonly string[] {
  return doing("list", cache, () => {
    try {
      return readdirSync(cache);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return [];
      throw error;
    }
  });
}
