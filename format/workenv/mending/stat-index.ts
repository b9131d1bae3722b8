import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { WorkenvLayout } from "../../cache/layout.ts";
import { isPathInside } from "../../io/paths.ts";
import { EXISTENCE_ONLY, type FileFacts, factsOf } from "./file-facts.ts";
import type { FileList } from "./file-list.ts";

const SCHEMA = "flavor.files/1";

/** A file of the stat index: what it looked like, and the slot that it came from. */
export type IndexedFile = readonly [...facts: FileFacts, slot: number];

/** In place of a slot: the setup commands made the file, or the package asked for the folder. */
export const NO_SLOT = -1;

/** How much of a slot's files the index holds. */
export type Watch = "whole" | "existence" | "nothing";

/**
 * Everything below a folder that must not vanish, in no order. `owners` has the slot of each path that came from one,
 * and `watchOf` says how much of a slot is held. Where there was a look at the tree `before` something ran in it, files
 * that changed since are that program's.
 */
export function indexTree(
  root: string,
  owners: ReadonlyMap<string, number>,
  watchOf: (slot: number) => Watch,
  before?: readonly IndexedFile[],
): readonly IndexedFile[] {
  const earlier = before && new Map(before.map((file) => [file[0], file]));
  const isAsBefore = ([path, size, mtime, mode]: FileFacts): boolean => {
    const was = earlier?.get(path);
    // A mode that a setup command gave can be given again; other bytes cannot.
    return was?.[1] === size && was[2] === mtime && (was[3] ^ mode) < 0o10000;
  };
  const files: IndexedFile[] = [];
  const waiting = [""];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const name of namesIn(join(root, folder))) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const stats = lstatSync(join(root, path), { throwIfNoEntry: false });
      if (stats === undefined) continue; // something that a setup command started is still at work
      if (stats.isDirectory()) waiting.push(path);
      const facts = factsOf(path, stats);
      const owner = owners.get(path) ?? NO_SLOT;
      const watch = owner === NO_SLOT ? "whole" : watchOf(owner);
      const slot = earlier === undefined || isAsBefore(facts) ? owner : NO_SLOT;
      files.push(...held([...facts, slot], watch));
    }
  }
  return files;
}

/** What `indexTree` would find where nothing happened since these rows were noted. */
export const watchedRows = (
  rows: readonly IndexedFile[],
  watchOf: (slot: number) => Watch,
): readonly IndexedFile[] => rows.flatMap((row) => held(row, row[4] === NO_SLOT ? "whole" : watchOf(row[4])));

function held(row: IndexedFile, watch: Watch): readonly IndexedFile[] {
  if (watch === "nothing") return [];
  const [path, , , mode, slot] = row;
  return [watch === "whole" ? row : [path, 0, EXISTENCE_ONLY, mode, slot]];
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // the package closed it to everybody, or it has just gone
  }
}

export const encodeStatIndex = ({ json }: FileList): string =>
  `{"schema":${JSON.stringify(SCHEMA)},"files":[${json}]}\n`;

/** The stat index of an entry, or undefined for anything else: a look-up never fails on bad data. */
export function readStatIndex({ files: path }: WorkenvLayout): readonly IndexedFile[] | undefined {
  try {
    const value = JSON.parse(readFileSync(path, "utf8")) as { schema?: unknown; files?: unknown } | null;
    const files = value?.schema === SCHEMA && Array.isArray(value.files) ? value.files : undefined;
    return files?.every(isIndexedFile) === true ? files : undefined;
  } catch {
    return undefined;
  }
}

const isIndexedFile = (row: unknown): row is IndexedFile =>
  Array.isArray(row) && row.length === 5 && isPathInside(row[0]) && row.slice(1).every(Number.isFinite);
