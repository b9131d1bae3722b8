import { accessSync, constants, lstatSync, readdirSync, readlinkSync } from "node:fs";
import { normalize, sep } from "node:path";
import { PspfError } from "../../format/errors.ts";
import { doing } from "../../format/io/fs.ts";
import { isFile } from "../../format/io/quick-files.ts";
import { type Found, type LinkStats, listQuickly } from "../../format/io/quick-folders.ts";
import { shortLived } from "../../format/short-lived.ts";
import { faultOfLinkTarget } from "../../format/tar/link-target.ts";
import type { TreeEntry } from "../../format/tar/tree-entry.ts";
import { isDirectoryMode, isSymlinkMode } from "../../format/workenv/mending/file-facts.ts";
import { type Matcher, matcherOf } from "./patterns.ts";

export interface TreeRules {
  /** Only what one of these patterns means, and the folders above it; everything by default. */
  readonly include?: readonly string[];
  /** Nothing that one of these patterns means; wins over `include`. A folder's pattern covers what is below it. */
  readonly exclude?: readonly string[];
}

/** An entry, and what the disk said of it. */
export interface ListedEntry extends TreeEntry {
  readonly stats: LinkStats;
}

/**
 * Everything below `root` but itself, sorted by the bytes of the path, so that the order is the same on every machine.
 * Links are never followed, hard links count as files. Throws `build-failed` for what a package cannot hold, such as
 * sockets, names that are not UTF-8 and links that lead outside; `io-failed` for what cannot be read.
 */
export function listTree(root: string, rules: TreeRules = {}): readonly ListedEntry[] {
  return sortByBytes(listBelow(normalize(root), "", selectionBy(rules)));
}

/** Whether a file with this path below the root, with "/" between names, is listed once it is there. */
export function wouldList(path: string, rules: TreeRules): boolean {
  const { included, excluded } = selectionBy(rules);
  const names = path.split("/");
  const above = names.map((_, last) => names.slice(0, last + 1).join("/"));
  return above.some(included) && !above.some(excluded);
}

const selectionBy = ({ include = [], exclude = [] }: TreeRules): Selection => ({
  included: include.length === 0 ? () => true : matcherOf(include),
  excluded: matcherOf(exclude),
});

interface Selection {
  readonly included: Matcher;
  readonly excluded: Matcher;
}

function listBelow(folder: string, prefix: string, selection: Selection): ListedEntry[] {
  const found: ListedEntry[] = [];
  const front = folder.endsWith(sep) ? folder : folder + sep;
  for (const { name, stats } of foundIn(folder, front, (name) => !selection.excluded(prefix + name))) {
    const path = prefix + name;
    const absolute = front + name;
    const included = selection.included(path);
    if (!isDirectoryMode(stats.mode)) {
      if (included) found.push(leafEntry(path, absolute, stats));
      continue;
    }
    const inner = listBelow(
      absolute,
      `${path}/`,
      included ? { ...selection, included: () => true } : selection,
    );
    if (included || inner.length > 0) found.push(entryOf("directory", path, absolute, stats, 0));
    for (const entry of inner) found.push(entry);
  }
  return found;
}

/** What is in a folder, of what is wanted; `front` stands before each name. */
function foundIn(folder: string, front: string, isWanted: (name: string) => boolean): readonly Found[] {
  const look = (name: string): LinkStats => doing("look at", front + name, () => lstatSync(front + name));
  return (
    listQuickly(folder, isWanted) ??
    namesIn(folder)
      .filter(isWanted)
      .map((name) => ({ name, stats: look(name) }))
  );
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What a name that is not UTF-8 gets where it is wrong; it would not be found by the name that it has as text. */
const REPLACED = "\ufffd";

function namesIn(folder: string): readonly string[] {
  const names = doing("list", folder, () => readdirSync(folder));
  if (!names.some((name) => name.includes(REPLACED))) return names;
  const bytes = doing("list", folder, () => readdirSync(folder, { encoding: "buffer" }));
  return bytes.map((name) => decodeName(name, `the folder ${folder}: a name in it`));
}

function decodeName(bytes: Uint8Array, what: string): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new PspfError("build-failed", `Cannot pack ${what} is not UTF-8`, {
      cause,
      hint: "rename or exclude it",
    });
  }
}

function leafEntry(path: string, absolute: string, stats: LinkStats): ListedEntry {
  if (isSymlinkMode(stats.mode)) return linkEntry(path, absolute, stats);
  if (!isFile(stats))
    throw new PspfError(
      "build-failed",
      `Cannot pack ${absolute}: it is neither a file, a folder nor a symlink`,
      {
        hint: "remove or exclude it",
      },
    );
  // Found out now, not after gigabytes have been packed. What anybody may read is not asked about.
  if ((stats.mode & READABLE) !== READABLE)
    doing("read", absolute, () => accessSync(absolute, constants.R_OK));
  return entryOf("file", path, absolute, stats, stats.size);
}

function linkEntry(path: string, absolute: string, stats: LinkStats): ListedEntry {
  const bytes = doing("read the link", absolute, () => readlinkSync(absolute, { encoding: "buffer" }));
  const text = decodeName(bytes, `${absolute}: its target`);
  const linkName = sep === "\\" ? text.replaceAll("\\", "/") : text;
  const fault = faultOfLinkTarget(path, linkName);
  if (fault !== undefined)
    throw new PspfError(
      "build-failed",
      `Cannot pack the symlink ${absolute} to ${JSON.stringify(linkName)}: ${fault}`,
      {
        hint: "use a relative link to something inside the packed folder, a copy of it, or exclude the link",
      },
    );
  return { ...entryOf("symlink", path, absolute, stats, 0), linkName };
}

/** By owner, group and others. */
const READABLE = 0o444;

const entryOf = (
  kind: ListedEntry["kind"],
  path: string,
  absolute: string,
  stats: LinkStats,
  size: number,
): ListedEntry => ({
  path,
  kind,
  mode: stats.mode & 0o777,
  size,
  mtime: Math.floor(stats.mtimeMs / 1000),
  absolute,
  stats,
});

/**
 * Strings compare by UTF-16, which is the order of the bytes up to U+D7FF; behind that it puts U+10000 and above in front
 * of U+E000 to U+FFFF.
 */
function sortByBytes(entries: readonly ListedEntry[]): readonly ListedEntry[] {
  if (!hasLate(entries)) return entries.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const keyed = entries.map((entry) => ({ entry, key: Buffer.from(entry.path) }));
  return keyed.sort((a, b) => Buffer.compare(a.key, b.key)).map(({ entry }) => entry);
}

const LATE = /[\ud800-\uffff]/;

function hasLate(entries: readonly ListedEntry[]): boolean {
  for (const { path } of entries) if (LATE.test(path)) return true;
  return false;
}

shortLived({ listBelow, foundIn, leafEntry, entryOf, hasLate });
