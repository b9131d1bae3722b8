import type { Command } from "../format/command/command.ts";
import { lockedEnvironment } from "../format/command/environment.ts";
import { share } from "../format/cache/locks/lock.ts";
import { PspfError } from "../format/errors.ts";
import { openFileSource } from "../format/io/byte-source.ts";
import { openPackage, type Package } from "../format/reader.ts";
import { asLast, finishUse } from "../format/workenv/lifecycles/at-end.ts";
import { renewForStart } from "../format/workenv/lifecycles/each-start.ts";
import { isWritable } from "../format/workenv/find-content.ts";
import { planSlots, type SlotPlan } from "../format/workenv/lifecycles/slot-plan.ts";
import { storeOf } from "../format/cache/layout.ts";
import { endLike } from "./end-like.ts";
import type { LauncherOptions } from "./env.ts";
import { become } from "./exec.ts";
import type { Invocation } from "./invocation.ts";
import type { Leave } from "./passing.ts";
import { openToOwner } from "./owner-mask.ts";
import { refuseOwnWait } from "./own-wait.ts";
import { commandIn, ensureWorkenvOf } from "./ready.ts";
import { logOf } from "./log.ts";
import { say, warn } from "./say.ts";
import { type Ending, openParent, type Parent } from "./spawn.ts";
import type { Workenv } from "./workenv.ts";

/**
 * Runs a package that has slots which come and go with its application: they are put in before it starts, and taken
 * away when the last process has ended, for which the launcher stays as parent.
 */
export async function runLifetime(
  found: Workenv,
  call: Invocation,
  options: LauncherOptions,
  leave?: Leave,
): Promise<number> {
  // Open until the end: by then another package may lie under the same name.
  using self = openFileSource(call.package);
  const pkg = await openPackage(self);
  if (pkg.id !== found.layout.id)
    throw new PspfError("start-failed", "Cannot start the package: it was replaced meanwhile", {
      hint: "start it again",
    });
  const plan = planSlots(pkg.metadata, { host: call.host, dev: options.dev });
  const workenv = await withStartSlots(pkg, plan, found, call, options);
  const command = commandIn(workenv, call, logOf(call, options));
  globalThis.failPoint?.("before-exec");
  if (!workenv.launch.atEnd)
    return become(command, options.execMode, workenv.lease, leave && (() => leave(workenv.layout)));
  let ending: Ending;
  {
    using parent = openParent();
    ending = await parent.runApplication(command, workenv.lease);
    await cleanUp({ pkg, plan, workenv, call, parent });
    await leave?.(workenv.layout);
  }
  return endLike(ending);
}

const ATTEMPTS = 3;

/** The workenv with what is made before every start, and with a lease that was taken after that. */
async function withStartSlots(
  pkg: Package,
  plan: SlotPlan,
  found: Workenv,
  call: Invocation,
  options: LauncherOptions,
): Promise<Workenv> {
  using _open = openToOwner();
  let workenv = found;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { layout } = workenv;
    // In a cache that cannot be written they are as they were when it was filled.
    if (!isWritable(storeOf(layout.cache).locks)) return workenv;
    workenv.lease?.[Symbol.dispose]();
    const onWait = () => {
      refuseOwnWait(layout.id, call);
      say(call, "waiting for another start of this package");
    };
    const lease = await renewForStart(pkg, { layout, plan, onWait });
    if (lease !== "gone") return { ...workenv, lease };
    workenv = await ensureWorkenvOf(call, options);
  }
  return workenv;
}

interface Ended {
  readonly pkg: Package;
  readonly plan: SlotPlan;
  readonly workenv: Workenv;
  readonly call: Invocation;
  readonly parent: Parent;
}

/** What the last one does. The application has ended as it has: whatever fails here is one line of warning. */
async function cleanUp({ pkg, plan, workenv, call, parent }: Ended): Promise<void> {
  const { layout, lease, env } = workenv;
  if (!isWritable(storeOf(layout.cache).locks)) {
    if (plan.forEnd.length > 0) warn(call, "nothing is done at the end: the cache cannot be written");
    return;
  }
  const run = async (program: string): Promise<void> => {
    const command: Command = { program, args: [], env: lockedEnvironment(env, layout.id) };
    const failure = await parent.run(command).then(failureOf, (error: unknown) => error);
    if (failure !== undefined) warn(call, `the shutdown program ${program} failed`, failure);
  };
  try {
    // Where there are no leases nobody knows who is the last, and everything stays until it is made anew.
    const held = lease ?? (await share(layout.lock));
    if (held !== undefined) await asLast(layout, held, () => finishUse(pkg, layout, plan, run));
  } catch (error) {
    warn(call, "cannot clean up", error);
  }
}

const failureOf = ({ exitCode, signal }: Ending): string | undefined =>
  signal !== undefined
    ? `it was ended by ${signal}`
    : exitCode !== 0
      ? `it ended with ${exitCode}`
      : undefined;
