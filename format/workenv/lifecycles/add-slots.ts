import type { Lock } from "../../cache/locks/lock.ts";
import { openStaging } from "../../cache/staging.ts";
import { graft } from "../../io/graft.ts";
import type { Package } from "../../reader.ts";
import { contentSizeOf } from "../../slot-limit.ts";
import type { EnsureRequest } from "../ensure.ts";
import { isDirectoryMode } from "../mending/file-facts.ts";
import { slotsAt } from "../make.ts";
import type { Marker } from "../marker.ts";
import { writeRecord } from "../record.ts";
import { listOf } from "../mending/file-list.ts";
import { planSlots, wishesIn } from "./slot-plan.ts";
import { indexTree, readStatIndex } from "../mending/stat-index.ts";
import { unpackSlots } from "../unpacking/unpack.ts";
import { watchFor, withoutLoose } from "./watch.ts";

/**
 * Adds what a request wants and a ready workenv does not have: unpacked aside, put into its place by renames, so that
 * applications that run there are not disturbed, and then noted. The caller holds the lock for making.
 */
export async function addMissingSlots(
  pkg: Package,
  request: EnsureRequest,
  marker: Marker,
  making: Lock,
): Promise<void> {
  const { layout } = request;
  const { withWorkenv, afterSetup } = planSlots(pkg.metadata, wishesIn(request));
  const missing = withWorkenv.filter((slot) => !marker.slots.includes(slot) && !afterSetup.includes(slot));
  if (missing.length === 0) return;
  using staging = await openStaging(layout.cache, "remove");
  const slots = slotsAt(pkg, missing);
  request.progress?.begin("unpacking", () => contentSizeOf(slots));
  const { owners } = await unpackSlots(pkg, slots, staging.path, undefined, request.progress?.add);
  request.progress?.end();
  const rows = indexTree(staging.path, owners, watchFor(pkg.metadata.slots));
  const added = withoutLoose(rows, pkg.metadata.slots, { owners });
  making.confirm();
  graft(staging.path, layout.content);
  globalThis.failPoint?.("slots-added");
  const files = new Map((readStatIndex(layout) ?? []).map((file) => [file[0], file]));
  // A folder that was there already is noted as it is.
  for (const row of added) if (!(isDirectoryMode(row[3]) && files.has(row[0]))) files.set(row[0], row);
  writeRecord(pkg, request, {
    files: listOf([...files.values()]),
    slots: [...marker.slots, ...missing],
    created: marker.created,
  });
}
