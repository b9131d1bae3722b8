import { join } from "node:path";
import { statOf } from "../../cache/cleaning/measure.ts";
import type { WorkenvLayout } from "../../cache/layout.ts";
import type { Metadata } from "../../wire/metadata-types.ts";
import { identityOf, isSameDirectory } from "../entry.ts";
import { EXISTENCE_ONLY, factsOf, ownMode } from "./file-facts.ts";
import type { Marker } from "../marker.ts";
import type { IndexedFile } from "./stat-index.ts";

/** Whether a marker was written for another folder than the one that is there now. */
export const isOfCopy = (marker: Marker, { content }: WorkenvLayout): boolean =>
  !isSameDirectory(marker, identityOf(content));

/**
 * The facts of the files in a copy of a workenv, such as a layer of a container's image is; undefined when it is not a
 * faithful one. Where setup commands ran it must also lie at the same path, because they may have noted that. Times are
 * compared by the second: archives keep no more.
 */
export function factsInCopy(
  marker: Marker,
  { setupCommands }: Pick<Metadata, "setupCommands">,
  { content }: WorkenvLayout,
  files: readonly IndexedFile[],
): readonly IndexedFile[] | undefined {
  if (identityOf(content) === undefined) return undefined;
  if (setupCommands.length > 0 && marker.place !== content) return undefined;
  const copied: IndexedFile[] = [];
  for (const file of files) {
    const [path, size, mtime, mode, slot] = file;
    const stats = statOf(join(content, path));
    if (stats === undefined || ownMode(stats.mode) !== mode) return undefined;
    const facts = factsOf(path, stats);
    if (mtime === EXISTENCE_ONLY) copied.push(file);
    else if (facts[1] === size && seconds(facts[2]) === seconds(mtime)) copied.push([...facts, slot]);
    else return undefined;
  }
  return copied;
}

const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000);
