import type { WorkenvLayout } from "../cache/layout.ts";
import { tryRemove } from "../cache/cleaning/leftovers.ts";
import { acquire, type Lock } from "../cache/locks/lock.ts";
import { retire } from "../cache/cleaning/retire.ts";
import { openStaging } from "../cache/staging.ts";
import { lockedEnvironment } from "../command/environment.ts";
import { doing } from "../io/fs.ts";
import { renamePatiently } from "../io/patient-rename.ts";
import type { Package, Slot } from "../reader.ts";
import { contentSizeOf } from "../slot-limit.ts";
import { needsBun, writeBunRuntime } from "./bun-runtime.ts";
import type { EnsureRequest } from "./ensure.ts";
import { noteSetupChanges } from "./exact/exact.ts";
import { writeRecord } from "./record.ts";
import { runSetup } from "./setup.ts";
import { endOrphans, tieSetup } from "./setup-tie.ts";
import { pathsOf, removeSlotFiles } from "./lifecycles/slot-files.ts";
import { planSlots, wishesIn } from "./lifecycles/slot-plan.ts";
import { noteStartFiles } from "./lifecycles/start-files.ts";
import { type FileList, listOf } from "./mending/file-list.ts";
import { indexTree, watchedRows } from "./mending/stat-index.ts";
import { type TakeOver, takeOver } from "./user-files/take-over.ts";
import { unpackTogether } from "./unpacking/unpack-together.ts";
import { isAllWatched, watchFor, withoutLoose } from "./lifecycles/watch.ts";

/**
 * Makes a workenv: unpacked aside, put into its place by one rename, set up there, brought onto the disk, and only then
 * vouched for by the marker. Whatever happens before the marker is written, the next call starts anew. The caller holds
 * the lock for making.
 */
export async function make(pkg: Package, request: EnsureRequest, making: Lock): Promise<void> {
  const { layout } = request;
  using staging = await openStaging(layout.cache, request.keepTemp === true ? "keep" : "remove");
  const plan = planSlots(pkg.metadata, wishesIn(request));
  const slots = slotsAt(pkg, plan.withWorkenv);
  request.progress?.begin("unpacking", () => contentSizeOf(slots));
  const unpacked = await unpackTogether(pkg, slots, staging.path, request.crew, request.progress?.add);
  request.progress?.end();
  request.onStep?.("slots unpacked");
  globalThis.failPoint?.("unpacked");
  const hasSetup = pkg.metadata.setupCommands.length > 0;
  const before = hasSetup ? indexTree(staging.path, unpacked.owners, () => "whole") : undefined;
  if (hasSetup) await endOrphans(layout);
  let old: string | undefined;
  using stack = new DisposableStack();
  let users: TakeOver;
  {
    // Nobody but us makes it, and from here on nobody uses what is replaced.
    using _exclusive = await acquire(layout.lock, request.onBusy);
    making.confirm();
    users = stack.use(await takeOver(pkg, request, unpacked, staging.path));
    users.rescue();
    old = retire(layout);
    publish(staging.path, layout);
    globalThis.failPoint?.("published");
  }
  request.onStep?.("tree put in its place");
  if (old !== undefined) tryRemove(old);
  try {
    await setUp(pkg, request);
  } catch (error) {
    users.giveBack();
    throw error;
  }
  for (const { entry } of slotsAt(pkg, plan.afterSetup))
    removeSlotFiles(layout.content, entry, pathsOf(unpacked, entry.index), pkg.metadata.slots);
  globalThis.failPoint?.("set-up");
  users.settle();
  globalThis.failPoint?.("users-files-settled");
  request.onStep?.("set up");
  noteStartFiles(layout, pkg.metadata, plan, unpacked);
  const isAsUnpacked = !hasSetup && users.isNothing && plan.afterSetup.length === 0;
  const watched = (): FileList => {
    const watchOf = watchFor(pkg.metadata.slots);
    const rows = isAsUnpacked
      ? watchedRows(unpacked.rows, watchOf)
      : indexTree(layout.content, unpacked.owners, watchOf, before);
    const places = users.places();
    return listOf(withoutLoose(rows, pkg.metadata.slots, unpacked).filter(([path]) => !places.has(path)));
  };
  const files = isAsUnpacked && isAllWatched(pkg.metadata.slots) ? unpacked.files : watched();
  const made = { slots: plan.withWorkenv, created: new Date().toISOString() };
  if (request.exact === true) await noteSetupChanges(pkg, layout, made, request.progress);
  making.confirm();
  writeRecord(pkg, request, { files, ...made });
  users.done();
  request.onStep?.("recorded");
}

/** Slots of a package by their indices. */
export const slotsAt = ({ slots }: Package, indices: readonly number[]): readonly Slot[] =>
  slots.filter(({ entry }) => indices.includes(entry.index));

const publish = (staging: string, { content }: WorkenvLayout): void =>
  doing("put the unpacked package at", content, () => renamePatiently(staging, content));

async function setUp({ metadata }: Package, request: EnsureRequest): Promise<void> {
  const { layout, scope, env, launcher } = request;
  if (needsBun(metadata)) writeBunRuntime(layout.bun, launcher);
  if (metadata.setupCommands.length === 0) return;
  const setup = async (interrupted?: AbortSignal) => {
    using tie = tieSetup(layout);
    const context = { scope, env: lockedEnvironment(env, layout.id), interrupted, held: tie?.fd };
    await runSetup(metadata.setupCommands, context);
    tie?.cut();
  };
  if (request.interruptible === undefined) return setup();
  await request.interruptible(async (interrupted) => {
    try {
      await setup(interrupted);
    } catch (error) {
      const left = interrupted.aborted ? retire(layout) : undefined;
      if (left !== undefined) tryRemove(left);
      throw error;
    }
  });
}
