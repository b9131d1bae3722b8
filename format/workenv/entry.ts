import { readFileSync, statSync } from "node:fs";
import type { Sha256 } from "../types.ts";
import type { WorkenvLayout } from "./layout.ts";
import { decodeMarker, type Marker } from "./marker.ts";

/**
 * The marker of an entry that is complete and belongs to the package with this index digest; undefined for
 * everything else. Four system calls; never throws.
 */
export function findReady(layout: WorkenvLayout, digest: Sha256): Marker | undefined {
  const marker = readMarker(layout);
  return marker?.digest === digest && inodeOf(layout.content) === marker.inode ? marker : undefined;
}

export function readMarker(layout: WorkenvLayout): Marker | undefined {
  try {
    return decodeMarker(readFileSync(layout.marker, "utf8"));
  } catch {
    return undefined;
  }
}

export function inodeOf(directory: string): number | undefined {
  try {
    return statSync(directory).ino;
  } catch {
    return undefined;
  }
}
