import type { WorkenvLayout } from "../cache/layout.ts";
import { bootId } from "../io/durable.ts";
import { close, isFile, nodeFs, openToRead, readText, statusOf } from "../io/quick-files.ts";
import type { Sha256 } from "../types.ts";
import { hasBunFiles } from "./bun-link.ts";
import { type FileFacts, stateOf } from "./mending/file-facts.ts";
import { decodeMarker, type Marker } from "./marker.ts";

/**
 * The marker of an entry that is complete, belongs to the package with this index digest, and needs no thorough look:
 * undefined for everything else. About a dozen system calls; never throws. `uid` is the user's number, where there are such.
 */
export function findReady(layout: WorkenvLayout, digest: Sha256, uid?: number): Marker | undefined {
  const found = openMarker(layout);
  if (found === undefined || found.marker.digest !== digest || found.marker.suspect) return undefined;
  const { marker, lastUse, owner } = found;
  // Whoever could put a marker there could start any program in the user's name. Root can do that anyway.
  const isOwn = uid === undefined || owner === uid || owner === 0;
  const isHere = isInPlace(marker, layout) && isRightHere(marker, layout);
  return isOwn && isHere && !isDue(lastUse, layout) && looksIntact(marker, layout) ? marker : undefined;
}

/**
 * Whether what has noted the path of the content is still right: setup commands may have, and the files of Bun do. Where
 * nothing can be written, nobody could put it right.
 */
const isRightHere = (marker: Marker, layout: WorkenvLayout): boolean =>
  (marker.launch.hasSetup === false && !marker.launch.usesBun) ||
  isWhereItWas(marker, layout) ||
  !canNote(layout);

/**
 * Whether the content still lies where it was made, be it under several names. When somebody renames their home, the folder
 * stays the same, and what setup commands noted of its path is wrong.
 */
export const isWhereItWas = (marker: Marker, { content }: WorkenvLayout): boolean =>
  marker.place === content || isSameDirectory(marker, identityOf(marker.place));

/**
 * Whether the content that a marker vouches for is there: the very folder, and its files on the disk. What was not
 * brought there before the marker counts until the system is started anew, because a power cut may have emptied it.
 */
export const isInPlace = (marker: Marker, layout: WorkenvLayout): boolean =>
  isSameDirectory(marker, identityOf(layout.content)) && wasSeenBySystem(marker);

/** Whether nothing has cut the power since the files were written, or they were on the disk before. */
const wasSeenBySystem = ({ durable, bootId: boot }: Marker): boolean =>
  durable || boot === undefined || boot === bootId();

const DAY = 24 * 60 * 60 * 1000;

/**
 * Whether the last thorough look was too long ago. A time in the future says nothing. In a cache that cannot be written
 * there is nothing to note it in, and nobody but its keeper could mend anything.
 */
function isDue(lastUse: number, layout: WorkenvLayout): boolean {
  // Without `Math`, here and below: JavaScriptCore makes machine code for a dozen of its functions when it is first named.
  const age = Date.now() - lastUse;
  if (-DAY < age && age < DAY) return false;
  return canNote(layout);
}

function canNote({ marker }: WorkenvLayout): boolean {
  try {
    nodeFs().accessSync(marker, nodeFs().constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const OTHERS_PER_START = 2;

/** The files that the command names, those of Bun, and some of the others, different ones each time. */
function looksIntact(
  { sample: { entryPoints, others }, launch }: Marker,
  { content, bun }: WorkenvLayout,
): boolean {
  const start = others.length === 0 ? 0 : Date.now() % others.length;
  for (const file of entryPoints) if (!isThere(file, content)) return false;
  for (const file of others.slice(start, start + OTHERS_PER_START)) if (!isThere(file, content)) return false;
  return !launch.usesBun || hasBunFiles(bun);
}

function isThere(file: FileFacts, content: string): boolean {
  const state = stateOf(content, file);
  return state === "intact" || state === "changed";
}

export const readMarker = (layout: WorkenvLayout): Marker | undefined => openMarker(layout)?.marker;

/** A marker, with the time of its file in milliseconds and the number of the user whose file it is. */
interface FoundMarker {
  readonly marker: Marker;
  readonly lastUse: number;
  readonly owner: number;
}

/** The marker of an entry with what its file says; undefined for everything else. */
function openMarker(layout: WorkenvLayout): FoundMarker | undefined {
  let fd: number | undefined;
  try {
    fd = openToRead(layout.marker, O_NONBLOCK);
    const stats = statusOf(fd);
    if (!isFile(stats) || stats.size > MAX_SIZE) return undefined;
    const marker = decodeMarker(readText(fd));
    return marker && { marker, lastUse: stats.mtimeMs, owner: stats.uid };
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) close(fd);
  }
}

/** Nobody waits for the writer of a pipe. Windows has none. */
const O_NONBLOCK = process.platform === "linux" ? 0o4000 : process.platform === "darwin" ? 4 : 0;

/** Bytes of the longest marker: the facts of a launch come from metadata of at most this size. */
const MAX_SIZE = 32 * 1024 * 1024;

/** What tells a directory from another one that has the same name later. */
export type Identity = Pick<Marker, "inode" | "born">;

export function identityOf(directory: string): Identity | undefined {
  try {
    const { ino, birthtimeMs } = statusOf(directory);
    return { inode: ino, born: birthtimeMs };
  } catch {
    return undefined;
  }
}

export const isSameDirectory = (a: Identity, b: Identity | undefined): boolean =>
  a.inode === b?.inode && a.born === b.born;
