import { readFileSync, statSync } from "node:fs";
import type { Sha256 } from "../types.ts";
import type { WorkenvLayout } from "../cache/layout.ts";
import { bootId } from "../io/durable.ts";
import { decodeMarker, type Marker } from "./marker.ts";

/**
 * The marker of an entry that is complete and belongs to the package with this index digest; undefined for
 * everything else. Four system calls; never throws.
 */
export function findReady(layout: WorkenvLayout, digest: Sha256): Marker | undefined {
  const marker = readMarker(layout);
  return marker?.digest === digest && isInPlace(marker, layout) ? marker : undefined;
}

/**
 * Whether the content that a marker vouches for is there: the very folder, and its files on the disk. What was not
 * brought there before the marker counts until the system is started anew, because a power cut may have emptied it.
 */
export const isInPlace = (marker: Marker, { content }: WorkenvLayout): boolean =>
  isSameDirectory(marker, identityOf(content)) &&
  (marker.durable || marker.bootId === undefined || marker.bootId === bootId());

export function readMarker(layout: WorkenvLayout): Marker | undefined {
  try {
    return decodeMarker(readFileSync(layout.marker, "utf8"));
  } catch {
    return undefined;
  }
}

/** What tells a directory from another one that has the same name later. */
export type Identity = Pick<Marker, "inode" | "born">;

export function identityOf(directory: string): Identity | undefined {
  try {
    const { ino, birthtimeMs } = statSync(directory);
    return { inode: ino, born: birthtimeMs };
  } catch {
    return undefined;
  }
}

const isSameDirectory = (a: Identity, b: Identity | undefined): boolean =>
  a.inode === b?.inode && a.born === b.born;
