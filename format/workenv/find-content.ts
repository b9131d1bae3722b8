import { accessSync, constants } from "node:fs";
import { layoutOf, storeOf, type WorkenvLayout } from "../cache/layout.ts";
import type { Rung } from "../cache/location.ts";
import { isPrivate } from "../cache/ownership.ts";
import type { Package } from "../reader.ts";
import { checkFiles } from "./mending/check.ts";
import { holdsContentOf } from "./ensure.ts";
import { factsInCopy, isOfCopy } from "./mending/copied.ts";
import { readMarker } from "./entry.ts";
import type { Marker } from "./marker.ts";
import { readStatIndex } from "./mending/stat-index.ts";

/** Where a package lies unpacked, though not fit to be started without a thorough look. */
export interface FoundContent {
  readonly layout: WorkenvLayout;
  /** A cache that cannot be written is used as it is, if nothing is missing in it. */
  readonly use: "after mending" | "as it is";
}

/** The first folder that holds the content of a package, and that nobody but the user and root can write to. */
export function findContent(
  pkg: Package,
  candidates: readonly Rung[],
  uid: number | undefined,
): FoundContent | undefined {
  for (const { path } of candidates) {
    const layout = layoutOf(path, pkg.id);
    const marker = readMarker(layout);
    if (marker === undefined || !holdsContentOf(marker, pkg)) continue;
    if (uid !== undefined && !isPrivate(path, uid)) continue;
    if (isWritable(storeOf(path).locks)) return { layout, use: "after mending" };
    if (isWhole(marker, pkg, layout)) return { layout, use: "as it is" };
  }
  return undefined;
}

/** Whether names can be added to a folder. */
export function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function isWhole(marker: Marker, { metadata }: Package, layout: WorkenvLayout): boolean {
  const files = readStatIndex(layout);
  if (files === undefined) return false;
  if (isOfCopy(marker, layout)) return factsInCopy(marker, metadata, layout, files) !== undefined;
  const { missing, truncated } = checkFiles(layout.content, files);
  return missing.length + truncated.length === 0;
}
