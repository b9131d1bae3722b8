import { statSync, utimesSync } from "node:fs";
import { entriesOf } from "../../format/cache/entries.ts";
import type { WorkenvLayout } from "../../format/cache/layout.ts";
import { cachePlaces } from "../../format/cache/places.ts";
import { readMarker } from "../../format/workenv/entry.ts";
import type { Marker } from "../../format/workenv/marker.ts";
import type { Environment } from "../launchers/base.ts";

/** A little more than the day after which a start looks again. */
const LOOKED_AT_LONG_AGO = 25 * 60 * 60 * 1000;

/**
 * Makes the next starts from workenvs ask again whether their package may be started, as they do once a day anyway;
 * tells how many. Their marker gets the time of yesterday. A workenv that cannot be written is left as it is.
 */
export function recheckWorkenvs(env: Environment, isMeant: (marker: Marker) => boolean): number {
  const windows = process.platform === "win32";
  const places = cachePlaces({ env, cwd: () => process.cwd(), windows, uid: process.getuid?.() });
  return places
    .flatMap(({ path }) => entriesIn(path))
    .filter((layout) => {
      const marker = readMarker(layout);
      return marker !== undefined && isMeant(marker) && setBack(layout.marker);
    }).length;
}

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
