import { linkSync, lstatSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { WorkenvLayout } from "../../cache/layout.ts";
import { statOf } from "../../cache/cleaning/measure.ts";
import { openStaging } from "../../cache/staging.ts";
import { isObject, recordOf } from "../../json-object.ts";
import { removeTree } from "../../io/remove-tree.ts";
import { replaceFile } from "../../io/replacement.ts";
import type { UsersFiles } from "./carry-over.ts";
import { placeCopy } from "./place-file.ts";
import { type Found, knownAt } from "./user-files.ts";

// While a workenv is made anew, its old content goes before the new one counts. Until that does, the user's files lie
// here as well, so that a process that is killed in between has not lost them.

const NAME = /^carried-[-0-9a-f]{36}$/;
const LIST = "list.json";

const folderOf = ({ bookkeeping }: WorkenvLayout): string => join(bookkeeping, "instance");

const storesOf = (layout: WorkenvLayout): readonly string[] => {
  try {
    return readdirSync(folderOf(layout))
      .filter((name) => NAME.test(name))
      .map((name) => join(folderOf(layout), name));
  } catch {
    return [];
  }
};

export const hasStoredFiles = (layout: WorkenvLayout): boolean => storesOf(layout).length > 0;

/** What attempts that did not come to their end have put here, by path. */
export function storedFiles(layout: WorkenvLayout): UsersFiles {
  const files = new Map<string, Found & { readonly source: string }>();
  for (const store of storesOf(layout))
    for (const [path, name] of listOf(store)) {
      const source = join(store, basename(name));
      const known = knownAt(source);
      if (known !== undefined) files.set(path, { ...known, source });
    }
  return files;
}

function listOf(store: string): readonly (readonly [path: string, name: string])[] {
  try {
    const value: unknown = JSON.parse(readFileSync(join(store, LIST), "utf8"));
    return isObject(value)
      ? Object.entries(value).filter((row): row is [string, string] => typeof row[1] === "string")
      : [];
  } catch {
    return [];
  }
}

/** Puts the user's files here, complete or not at all, and gives them with their new places. Former ones go. */
export async function storeFiles(layout: WorkenvLayout, files: UsersFiles): Promise<UsersFiles> {
  const former = storesOf(layout);
  if (files.size === 0) return files;
  using staging = await openStaging(layout.cache, "remove");
  const store = join(folderOf(layout), `carried-${crypto.randomUUID()}`);
  const names = recordOf<string>();
  const stored = new Map<string, Found & { readonly source: string }>();
  for (const [path, found] of files) {
    const name = String(stored.size);
    keep(found.source, staging.path, name);
    names[path] = name;
    stored.set(path, { ...found, source: join(store, name) });
  }
  writeFileSync(join(staging.path, LIST), JSON.stringify(names));
  renameSync(staging.path, store);
  globalThis.failPoint?.("users-files-stored");
  for (const folder of former) removeTree(folder);
  return stored;
}

/** Another name for the same file where there can be one: nobody writes to it until it has been copied. */
function keep(source: string, root: string, name: string): void {
  try {
    if (lstatSync(source).isSymbolicLink()) placeCopy(source, root, name);
    else linkSync(source, join(root, name));
  } catch {
    placeCopy(source, root, name);
  }
}

const pathToNote = (layout: WorkenvLayout): string => join(folderOf(layout), "unsettled");

/** Notes that setup commands are at work: what lies in the user's places may be theirs, and not whole. */
export const noteUnsettled = (layout: WorkenvLayout): void => replaceFile(pathToNote(layout), "");

/** Notes that the user's files are in their places again, and that all others are known. */
export const noteSettled = (layout: WorkenvLayout): void => removeTree(pathToNote(layout));

export const isUnsettled = (layout: WorkenvLayout): boolean => statOf(pathToNote(layout)) !== undefined;

/** The workenv counts: what lies here lies there. */
export function dropStoredFiles(layout: WorkenvLayout): void {
  for (const store of storesOf(layout)) removeTree(store);
}
