import { lstatSync } from "node:fs";
import { join } from "node:path";
import type { WorkenvLayout } from "../../cache/layout.ts";
import { acquire, acquireSoon, type Lease, type Lock, tryAcquire } from "../../cache/locks/lock.ts";
import { openStaging } from "../../cache/staging.ts";
import { graft } from "../../io/graft.ts";
import type { Package } from "../../reader.ts";
import { clear, merged } from "./each-start.ts";
import { isInPlace, readMarker } from "../entry.ts";
import { slotsAt } from "../make.ts";
import { resolveInside } from "../../io/paths.ts";
import { makeWay } from "./make-way.ts";
import { pathsOf } from "./slot-files.ts";
import type { SlotPlan } from "./slot-plan.ts";
import { pathsBySlot, readStartFiles, writeStartFiles } from "./start-files.ts";
import { unpackSlots } from "../unpacking/unpack.ts";

/** Milliseconds between looks at a lock that a start holds. */
const PAUSE = 50;
const LOOKS = 40;

/**
 * Gives a lease back and does some work if it was the last one, with the workenv for itself; whether it was. Of several
 * that end at once exactly one is the last: while one looks, the others still have theirs.
 */
export async function asLast(
  layout: WorkenvLayout,
  lease: Lease,
  work: () => Promise<void>,
): Promise<boolean> {
  using _ending = await acquire(join(layout.bookkeeping, "instance", "ending"), () => {});
  lease[Symbol.dispose]();
  // A start that holds it for longer is about to use the workenv, and will be the last itself. Without an end to this
  // waiting, it could wait for another one's lease, and that one for us.
  using making = await acquireMaking(layout.making);
  using lock = making === undefined ? undefined : await acquireSoon(layout.lock);
  if (lock === undefined) return false;
  const marker = readMarker(layout);
  if (marker === undefined || !isInPlace(marker, layout)) return false;
  await work();
  return true;
}

async function acquireMaking(path: string): Promise<Lock | undefined> {
  for (let look = 0; look < LOOKS; look++) {
    const lock = await tryAcquire(path);
    if (lock !== undefined) return lock;
    await Bun.sleep(PAUSE);
  }
  return undefined;
}

/**
 * What is done when an application has ended: the slots for the end are unpacked, those that are one program are run,
 * and everything that goes at the end is removed. The caller has the workenv for itself. `run` must not throw.
 */
export async function finishUse(
  pkg: Package,
  layout: WorkenvLayout,
  { forEnd, atEnd }: SlotPlan,
  run: (program: string) => Promise<void>,
): Promise<void> {
  const found = readStartFiles(layout)?.paths ?? {};
  using staging = await openStaging(layout.cache, "remove");
  const unpacked = await unpackSlots(pkg, slotsAt(pkg, forEnd), staging.path);
  const present = merged(found, pathsBySlot(unpacked, forEnd));
  // From here on the next start makes everything anew, whatever becomes of this process.
  writeStartFiles(layout, { state: "changing", paths: present });
  globalThis.failPoint?.("end-noted");
  makeWay(staging.path, layout.content);
  graft(staging.path, layout.content);
  globalThis.failPoint?.("end-files-placed");
  for (const slot of forEnd) {
    const program = programIn(layout, pathsOf(unpacked, slot));
    if (program !== undefined) await run(program);
  }
  const isGoing = ([slot]: readonly [string, unknown]) => atEnd.includes(Number(slot));
  clear(pkg, layout, Object.fromEntries(Object.entries(present).filter(isGoing)));
  globalThis.failPoint?.("end-files-cleared");
  const rest = Object.fromEntries(Object.entries(present).filter((entry) => !isGoing(entry)));
  writeStartFiles(layout, { state: "changing", paths: rest });
}

/** The one file of a slot, if it is one and may be executed. */
function programIn({ content }: WorkenvLayout, paths: readonly string[]): string | undefined {
  const files = paths.map((path) => resolveInside(content, path)).filter((path) => !isFolder(path));
  const [only] = files;
  if (only === undefined || files.length > 1) return undefined;
  const { mode } = lstatSync(only);
  return lstatSync(only).isFile() && (mode & 0o111) !== 0 ? only : undefined;
}

const isFolder = (path: string): boolean =>
  lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
