import type { WorkenvLayout } from "../../cache/layout.ts";
import type { Progress } from "../../progress/progress.ts";
import { checkFiles } from "./check.ts";
import { compareFiles } from "./compare.ts";
import { isDirectoryMode } from "./file-facts.ts";
import { identityOf, isSameDirectory, readMarker } from "../entry.ts";
import type { Marker } from "../marker.ts";
import { openOrigin } from "./origin.ts";
import { type IndexedFile, NO_SLOT, readStatIndex } from "./stat-index.ts";

/** What became of the files of a workenv since it was made. */
export interface WorkenvCheck {
  readonly missing: readonly IndexedFile[];
  /** Smaller than they were. */
  readonly truncated: readonly IndexedFile[];
  /** Of another size or time: the application or a person did it. */
  readonly changed: readonly IndexedFile[];
  /** With size and time as they were, but not with the bytes of the package. */
  readonly damaged: readonly IndexedFile[];
  /** How many files and links are as they were. */
  readonly intact: number;
  /** How many of the intact ones were made by setup commands, so that there is nothing to compare them with. */
  readonly ofSetup: number;
  /** The package that the bytes were compared with, or why there is none. */
  readonly compared: { readonly with: string } | { readonly not: string };
}

/** What a workenv that counts says about itself. */
export interface KnownWorkenv {
  readonly marker: Marker;
  readonly files: readonly IndexedFile[];
}

/** The marker and the stat index of a workenv; undefined for one that the next start makes anew anyway. */
export function knownWorkenv(layout: WorkenvLayout): KnownWorkenv | undefined {
  const marker = readMarker(layout);
  const files = readStatIndex(layout);
  if (marker === undefined || files === undefined) return undefined;
  return isSameDirectory(marker, identityOf(layout.content)) ? { marker, files } : undefined;
}

/**
 * Looks at every file of a workenv, and compares the bytes with the package that it was made from: the one at `path`, or
 * the one that the marker names if it is still there. Changes nothing. Undefined for a workenv that does not count.
 * Throws what `openOrigin` throws, and a 107 for a damaged package.
 */
export async function verifyWorkenv(
  layout: WorkenvLayout,
  path?: string,
  progress?: Progress,
): Promise<WorkenvCheck | undefined> {
  const known = knownWorkenv(layout);
  if (known === undefined) return undefined;
  const found = checkFiles(layout.content, known.files);
  const touched = new Set([...found.missing, ...found.truncated, ...found.changed]);
  const untouched = known.files.filter((file) => !touched.has(file) && !isDirectoryMode(file[3]));
  const ofSetup = untouched.filter(([, , , , slot]) => slot === NO_SLOT).length;
  const intact = untouched.length;
  using origin = held(await openOrigin(known.marker, path));
  if (typeof origin.value === "string")
    return { ...found, damaged: [], intact, ofSetup, compared: { not: origin.value } };
  const damaged = await compareFiles(origin.value.pkg, layout.content, untouched, progress);
  const compared = { with: origin.value.path };
  return { ...found, damaged, intact: intact - damaged.length, ofSetup, compared };
}

/** What may have an end, as something that has one. */
export const held = <T extends Disposable>(value: T | string) => ({
  value,
  [Symbol.dispose]: () => {
    if (typeof value !== "string") value[Symbol.dispose]();
  },
});
