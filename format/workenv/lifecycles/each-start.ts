import { storeOf, type WorkenvLayout } from "../../cache/layout.ts";
import { acquire, hasLeases, type Lease, type Lock, share, tryAcquire } from "../../cache/locks/lock.ts";
import { openStaging } from "../../cache/staging.ts";
import { graft } from "../../io/graft.ts";
import type { Package } from "../../reader.ts";
import { isInPlace, readMarker } from "../entry.ts";
import { slotsAt } from "../make.ts";
import { makeWay } from "./make-way.ts";
import { removeSlotFiles } from "./slot-files.ts";
import type { SlotPlan } from "./slot-plan.ts";
import { pathsBySlot, readStartFiles, type StartFiles, writeStartFiles } from "./start-files.ts";
import { unpackSlots } from "../unpacking/unpack.ts";

/** A start of a package with slots that come and go. */
export interface StartRequest {
  readonly layout: WorkenvLayout;
  readonly plan: SlotPlan;
  /** Told once when another process is preparing the same workenv. */
  readonly onWait: () => void;
}

/**
 * Puts the slots that are made before every start into a workenv that was found ready, and gives a lease on it: anew
 * when nobody else uses the workenv, else as they are. "gone" when the workenv does not count any more. The caller
 * holds no lease: who waits here must not look as if it used the files.
 */
export async function renewForStart(
  pkg: Package,
  { layout, plan, onWait }: StartRequest,
): Promise<Lease | undefined | "gone"> {
  using making = await acquire(layout.making, onWait);
  globalThis.failPoint?.("start-locked");
  const marker = readMarker(layout);
  if (marker === undefined || marker.suspect || !isInPlace(marker, layout)) return "gone";
  {
    using alone = await tryBeingAlone(layout);
    const found = readStartFiles(layout);
    if (found?.state === "unused") writeStartFiles(layout, { ...found, state: "complete" });
    // "changing": nobody has started with what is there, or will.
    else if (alone !== undefined || found?.state !== "complete")
      await renew(pkg, layout, plan, found, making);
  }
  // Nobody can take it away in between: that needs the lock for making.
  return await share(layout.lock);
}

/** The workenv for oneself; undefined when others use it, and where nobody can tell. */
async function tryBeingAlone({ cache, lock }: WorkenvLayout): Promise<Lock | undefined> {
  return hasLeases(storeOf(cache).locks) ? await tryAcquire(lock) : undefined;
}

/** Old files go and new ones come, at any moment either noted as complete or not. */
async function renew(
  pkg: Package,
  layout: WorkenvLayout,
  { beforeStart }: SlotPlan,
  found: StartFiles | undefined,
  making: Lock,
): Promise<void> {
  // Nothing to put in and nothing to take away: a full disk then stops no start.
  if (beforeStart.length === 0 && Object.values(found?.paths ?? {}).every((own) => own.length === 0)) return;
  using staging = await openStaging(layout.cache, "remove");
  const unpacked = await unpackSlots(pkg, slotsAt(pkg, beforeStart), staging.path);
  const paths = pathsBySlot(unpacked, beforeStart);
  making.confirm();
  writeStartFiles(layout, { state: "changing", paths: merged(found?.paths ?? {}, paths) });
  globalThis.failPoint?.("start-files-changing");
  clear(pkg, layout, found?.paths ?? {});
  globalThis.failPoint?.("start-files-cleared");
  makeWay(staging.path, layout.content);
  graft(staging.path, layout.content);
  globalThis.failPoint?.("start-files-placed");
  writeStartFiles(layout, { state: "complete", paths });
}

/** Removes what slots have in a workenv. */
export function clear(pkg: Package, { content }: WorkenvLayout, paths: StartFiles["paths"]): void {
  const { slots } = pkg.metadata;
  for (const slot of slots) {
    const own = paths[String(slot.index)];
    if (own !== undefined) removeSlotFiles(content, slot, own, slots);
  }
}

/** Both lists of each slot: either may be what lies there when a process is killed. */
export function merged(a: StartFiles["paths"], b: StartFiles["paths"]): StartFiles["paths"] {
  const slots = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries(
    [...slots].map((slot) => [slot, [...new Set([...(a[slot] ?? []), ...(b[slot] ?? [])])]]),
  );
}
