import { shortLived } from "../../short-lived.ts";
import { type FileFacts, isDirectoryMode } from "./file-facts.ts";
import type { IndexedFile } from "./stat-index.ts";

/**
 * Rows of a stat index, encoded where they were noted: by several threads, each those of what it has made. Nobody needs
 * all of them as values when a workenv is made, and that would take the thread that waits for the others most of its time.
 */
export interface FileList {
  /** How many rows there are. */
  readonly count: number;
  /** The rows as JSON, one behind the other, with commas between them and nothing around. */
  readonly json: string;
  /** How many of them are no folders. */
  readonly files: number;
  /** Some of these at equal distances; all where they are few. */
  readonly spread: readonly FileFacts[];
}

/** Most files that stand for the others. */
const MOST_SPREAD = 32;

export function listOf(rows: readonly IndexedFile[]): FileList {
  const files = rows.filter(isFile);
  return {
    count: rows.length,
    json: JSON.stringify(rows).slice(1, -1),
    files: files.length,
    spread: spreadOver(files, MOST_SPREAD).map(factsIn),
  };
}

/** The rows of all lists. */
export function joined(lists: readonly FileList[]): FileList {
  const sum = (of: (list: FileList) => number) => lists.reduce((total, list) => total + of(list), 0);
  const files = sum((list) => list.files);
  /** How many of all come from the first lists. */
  const shareUntil = (end: number): number => {
    const before = lists.slice(0, end).reduce((total, list) => total + list.files, 0);
    return Math.round((Math.min(files, MOST_SPREAD) * before) / (files || 1));
  };
  return {
    count: sum(({ count }) => count),
    json: lists.flatMap(({ json }) => (json === "" ? [] : [json])).join(","),
    files,
    spread: lists.flatMap(({ spread }, i) => spreadOver(spread, shareUntil(i + 1) - shareUntil(i))),
  };
}

/** All of them as values. */
export const rowsIn = ({ json }: FileList): readonly IndexedFile[] =>
  JSON.parse(`[${json}]`) as readonly IndexedFile[];

/**
 * What is noted of one path; undefined also for one that begins with a comma. Any other stands behind an opening quote: a
 * comma is what follows a closing one.
 */
export function rowOf({ json }: FileList, path: string): IndexedFile | undefined {
  const start = `[${JSON.stringify(path)},`;
  const at = path.startsWith(",") ? -1 : json.indexOf(start);
  if (at < 0) return undefined;
  return JSON.parse(json.slice(at, json.indexOf("]", at + start.length) + 1)) as IndexedFile;
}

/** At most so many, at equal distances. */
function spreadOver<T>(all: readonly T[], most: number): readonly T[] {
  const count = Math.min(all.length, most);
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)] as T);
}

const isFile = ([, , , mode]: IndexedFile): boolean => !isDirectoryMode(mode);
const factsIn = ([path, size, mtime, mode]: IndexedFile): FileFacts => [path, size, mtime, mode];

shortLived(isFile);
