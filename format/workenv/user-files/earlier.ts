import { entriesOf } from "../../cache/entries.ts";
import type { WorkenvLayout } from "../../cache/layout.ts";
import { type Lease, makeLockFile, tryShare } from "../../cache/locks/lock.ts";
import { statOf } from "../../cache/cleaning/measure.ts";
import type { Package } from "../../reader.ts";
import { toHex } from "../../wire/hashes.ts";
import { hasStoredFiles } from "./carried-store.ts";
import type { EnsureRequest } from "../ensure.ts";
import { isInPlace, readMarker } from "../entry.ts";
import type { Marker } from "../marker.ts";
import { hasOriginals, type Originals, readOriginals } from "./originals.ts";

/** Where a new workenv finds what the user has made. */
export interface Source {
  readonly id: string;
  readonly content: string;
  readonly originals: Originals;
  /** The same package's content, which may be damaged, or that of another version. */
  readonly is: "the same" | "an earlier one";
  /** Keeps it from going meanwhile. */
  readonly lease?: Lease | undefined;
}

/**
 * The workenv whose user's files a new one takes over: what was made of the same package before, else the latest of the
 * packages with the same name and the same signer, or one that has handed over to it. Who has not signed gets nothing of
 * others. `given` is what the package gives, where the note of what it gave before is damaged or gone.
 */
export async function findSource(
  pkg: Package,
  { layout, seal, formerSigners = [] }: EnsureRequest,
  given: Originals,
): Promise<Source | undefined> {
  const own = readOriginals(layout) ?? (hasOriginals(layout) || hasLost(layout, given) ? given : undefined);
  // A workenv that was removed half has nothing of the user's any more.
  if (own !== undefined && (statOf(layout.content) !== undefined || hasStoredFiles(layout)))
    return { id: layout.id, content: layout.content, originals: own, is: "the same" };
  if (seal !== "valid") return undefined;
  const signers = [toHex(pkg.index.raw.publicKey), ...formerSigners];
  const { name } = pkg.metadata.package;
  const isOurs = ({ marker }: Ready) =>
    signers.includes(marker.signer) && marker.launch.package.name === name;
  const candidates = entriesOf(layout.cache)
    .flatMap((entry) => readyOf(entry) ?? [])
    .filter((ready) => ready.layout.id !== layout.id && isOurs(ready))
    .toSorted((a, b) => (a.marker.created < b.marker.created ? 1 : -1));
  for (const { layout: earlier } of candidates) {
    const lease = await shareSoon(earlier.lock);
    if (lease === "busy") continue;
    // It may have gone before we had the lease.
    const found = readyOf(earlier);
    const originals = found === undefined ? undefined : readOriginals(earlier);
    if (originals !== undefined)
      return { id: earlier.id, content: earlier.content, originals, is: "an earlier one", lease };
    lease?.[Symbol.dispose]();
  }
  return undefined;
}

/** Whether there was such a note, which a cleaner took: of a workenv that was ready once, and gives something to its user. */
const hasLost = ({ files, metadata }: WorkenvLayout, given: Originals): boolean =>
  (given.roots.length > 0 || Object.keys(given.files).length > 0) &&
  [files, metadata].some((path) => statOf(path) !== undefined);

/** Milliseconds between looks at a lock that somebody has exclusively, while a shutdown program runs for example. */
const PAUSE = 50;
const LOOKS = 200;

/** A lease as of `share`, but whoever does not give the workenv free for ten seconds holds up nobody. */
async function shareSoon(lock: string): Promise<Lease | undefined | "busy"> {
  for (let look = 0; look < LOOKS; look++) {
    const lease = tryShare(lock);
    if (lease === "none" || (lease === "missing" && !makeLockFile(lock))) return undefined;
    if (typeof lease !== "string") return lease;
    await Bun.sleep(PAUSE);
  }
  return "busy";
}

interface Ready {
  readonly layout: WorkenvLayout;
  readonly marker: Marker;
}

function readyOf(layout: WorkenvLayout): Ready | undefined {
  const marker = readMarker(layout);
  const counts = marker?.seal === "valid" && !marker.suspect && isInPlace(marker, layout);
  return counts ? { layout, marker } : undefined;
}
