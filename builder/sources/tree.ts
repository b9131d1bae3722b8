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
export const listTree = (root: string, rules: TreeRules = {}): readonly ListedEntry[] => [
  ...walkTree(root, rules),
];

/** The same one by one: a folder is listed when it is its turn, so that what comes of the first need not wait for all. */
export function walkTree(
  root: string,
  { include = [], exclude = [] }: TreeRules = {},
): Iterable<ListedEntry> {
  const included = include.length === 0 ? () => true : matcherOf(include);
  return walkBelow(normalize(root), "", { included, excluded: matcherOf(exclude) });
}

interface Selection {
  readonly included: Matcher;
  readonly excluded: Matcher;
}

/** A folder that is being walked through, and how far. */
interface Level {
  /** Stands before each name. */
  readonly front: string;
  readonly prefix: string;
  readonly selection: Selection;
  readonly steps: readonly Found[];
  next: number;
}

/** By a stack of its own: through nested generators each entry would come as many times as it is deep. */
function* walkBelow(
  folder: string,
  prefix: string,
  selection: Selection,
): Generator<ListedEntry, void, undefined> {
  const levels = [levelOf(folder, prefix, selection)];
  /** What is in folders that are there only for that. */
  const walked = new Map<string, readonly ListedEntry[]>();
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const step = level.steps[level.next++];
    if (step === undefined) {
      levels.pop();
      continue;
    }
    const { name, stats } = step;
    const path = level.prefix + name;
    const absolute = level.front + name;
    if (name.endsWith("/")) {
      const inner = walked.get(path);
      if (inner === undefined)
        levels.push(levelOf(absolute.slice(0, -1), path, { ...level.selection, included: () => true }));
      else yield* inner;
    } else if (!isDirectoryMode(stats.mode)) {
      if (level.selection.included(path)) yield leafEntry(path, absolute, stats);
    } else {
      const isIncluded = level.selection.included(path);
      const inner = isIncluded ? undefined : [...walkBelow(absolute, `${path}/`, level.selection)];
      if (inner !== undefined) walked.set(`${path}/`, inner);
      if (inner?.length !== 0) yield entryOf("directory", path, absolute, stats, 0);
    }
  }
}

function levelOf(folder: string, prefix: string, selection: Selection): Level {
  const front = folder.endsWith(sep) ? folder : folder + sep;
  const found = foundIn(folder, front, (name) => !selection.excluded(prefix + name));
  return { front, prefix, selection, steps: inOrder(found), next: 0 };
}

/**
 * In the order of their paths, and once more with a "/" behind its name each folder where what is inside of it comes: "a-b" is
 * between "a" and "a/b".
 */
function inOrder(found: readonly Found[]): readonly Found[] {
  const steps: Found[] = [];
  for (const step of found) {
    steps.push(step);
    if (isDirectoryMode(step.stats.mode)) steps.push({ name: `${step.name}/`, stats: step.stats });
  }
  return sortByBytes(steps);
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
const sortByBytes = (steps: Found[]): readonly Found[] =>
  steps.some(({ name }) => LATE.test(name))
    ? steps.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
    : steps.sort((a, b) => (a.name < b.name ? -1 : 1));

const LATE = /[\ud800-\uffff]/;

shortLived({ walkBelow, levelOf, foundIn, inOrder, leafEntry, entryOf });
