import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { WorkenvLayout } from "../../cache/layout.ts";
import { statOf } from "../../cache/cleaning/measure.ts";
import { isPathInside } from "../../io/paths.ts";
import { isObject, recordOf } from "../../json-object.ts";
import { removeFolder } from "../tidy-bookkeeping.ts";
import { replaceFile } from "../../io/replacement.ts";

const SCHEMA = "flavor.originals/1";

/** What tells contents apart: SHA-256 of a file in hex, or "link:" and where a symlink leads. */
export type ContentId = string;

/** A path's content and permission bits. */
export interface Known {
  readonly id: ContentId;
  readonly mode: number;
}

/**
 * `instance/originals.json`: what a package gave to those of its slots that belong to the user, so that the user's
 * changes can be told from it. Paths are relative to the workenv, with forward slashes.
 */
export interface Originals {
  readonly schema: typeof SCHEMA;
  /** Package name and public key: whoever has both may take the files over. */
  readonly name: string;
  readonly signer: string;
  /** Whether cleaning must wait until a later version has taken the files over, edited or not. */
  readonly isPersistent: boolean;
  /** Folders in which every file that others have added is the user's. */
  readonly roots: readonly string[];
  /** What lies in them and is other slots'. */
  readonly others: readonly string[];
  readonly files: Readonly<Record<string, Known>>;
  /** Where the package's file lies that differs from the user's, by the path of that one. */
  readonly beside: Readonly<Record<string, string>>;
  /** What was taken over from earlier versions: their ids, and the contents of the user's files. */
  readonly from: readonly string[];
  readonly taken: Readonly<Record<string, readonly ContentId[]>>;
}

const pathTo = ({ bookkeeping }: WorkenvLayout): string => join(bookkeeping, "instance", "originals.json");

/** Undefined for anything else than originals: a look-up never fails on bad data. */
export function readOriginals(layout: WorkenvLayout): Originals | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(pathTo(layout), "utf8"));
    if (!isOriginals(value)) return undefined;
    const [files, beside, taken] = [byPath(value.files), byPath(value.beside), byPath(value.taken)];
    return { ...value, files, beside, taken };
  } catch {
    return undefined;
  }
}

/** Whether there are any, be it that nobody can read them. */
export const hasOriginals = (layout: WorkenvLayout): boolean => statOf(pathTo(layout)) !== undefined;

export function writeOriginals(layout: WorkenvLayout, originals: Originals): void {
  removeFolder(pathTo(layout));
  replaceFile(pathTo(layout), `${JSON.stringify(originals)}\n`);
}

export const newOriginals = (facts: Omit<Originals, "schema">): Originals => ({ schema: SCHEMA, ...facts });

const byPath = <T>(record: Readonly<Record<string, T>>): Record<string, T> =>
  recordOf(Object.entries(record));

function isOriginals(value: unknown): value is Originals {
  if (!isObject(value) || value["schema"] !== SCHEMA) return false;
  const { name, signer, isPersistent, roots, others, files, beside, from, taken } = value;
  return (
    [name, signer].every(isText) &&
    typeof isPersistent === "boolean" &&
    Array.isArray(from) &&
    from.every(isText) &&
    [roots, others].every((list) => Array.isArray(list) && list.every(isPathInside)) &&
    isObject(beside) &&
    Object.entries(beside).flat().every(isPathInside) &&
    isObject(taken) &&
    Object.values(taken).every((ids) => Array.isArray(ids) && ids.every(isText)) &&
    isObject(files) &&
    Object.keys(files).every(isPathInside) &&
    Object.values(files).every(
      (known) => isObject(known) && isText(known["id"]) && Number.isInteger(known["mode"]),
    )
  );
}

const isText = (value: unknown): value is string => typeof value === "string";
