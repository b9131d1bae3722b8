import { statSync, utimesSync } from "node:fs";
import { readMarker } from "../workenv/entry.ts";
import type { Marker } from "../workenv/marker.ts";
import { entriesOf } from "./entries.ts";
import type { WorkenvLayout } from "./layout.ts";

/** A little more than the day after which a start looks again. */
const LOOKED_AT_LONG_AGO = 25 * 60 * 60 * 1000;

/**
 * Makes the next starts from workenvs ask again whether their package may be started, as they do once a day anyway;
 * tells how many. Their marker gets the time of yesterday. A workenv that cannot be written is left as it is.
 */
export const recheckWorkenvs = (caches: readonly string[], isMeant: (marker: Marker) => boolean): number =>
  caches
    .flatMap((cache) => entriesIn(cache))
    .filter((layout) => {
      const marker = readMarker(layout);
      return marker !== undefined && isMeant(marker) && setBack(layout.marker);
    }).length;

/** A cache that cannot be listed has nothing that could be changed. */
function entriesIn(cache: string): readonly WorkenvLayout[] {
  try {
    return entriesOf(cache);
  } catch {
    return [];
  }
}

function setBack(marker: string): boolean {
  try {
    const { atime, mtimeMs } = statSync(marker);
    utimesSync(marker, atime, new Date(Math.min(mtimeMs, Date.now() - LOOKED_AT_LONG_AGO)));
    return true;
  } catch {
    return false;
  }
}
