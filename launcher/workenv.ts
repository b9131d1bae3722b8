import { basename } from "node:path";
import { scopeOf } from "../format/command/command.ts";
import { childEnvironment, type Environment } from "../format/command/environment.ts";
import type { Scope } from "../format/command/template.ts";
import type { Bytes } from "../format/types.ts";
import { sha256Hex } from "../format/wire/hashes.ts";
import { packageIdIn } from "../format/wire/index-block.ts";
import type { LaunchFacts } from "../format/wire/metadata-types.ts";
import { bunRuntimeOf } from "../format/workenv/bun-runtime.ts";
import { findReady } from "../format/workenv/entry.ts";
import { layoutOf, type WorkenvLayout } from "../format/workenv/layout.ts";
import { cacheDirectory } from "../format/workenv/location.ts";
import { type Lease, share, tryShare } from "../format/workenv/lock.ts";
import type { LauncherOptions } from "./env.ts";
import type { Invocation } from "./invocation.ts";
import { verdictOn } from "./policy.ts";

/** Where a package lies unpacked, and what its commands see there. */
export interface Workenv {
  readonly launch: LaunchFacts;
  readonly layout: WorkenvLayout;
  readonly scope: Scope;
  readonly env: Environment;
  /** Held while the application runs; undefined where there are no leases. */
  readonly lease: Lease | undefined;
}

/**
 * The quick way of a warm start: the index names the workenv, and its marker vouches that it was made from a package
 * with exactly this index, whose seal was good enough for what is asked now. Nothing else of the package is read.
 */
export async function findWorkenv(
  block: Bytes,
  call: Invocation,
  { validation }: LauncherOptions,
): Promise<Workenv | undefined> {
  const id = packageIdIn(block);
  if (id === undefined) return undefined;
  const layout = layoutFor(call, id);
  const digest = sha256Hex(block);
  const good = () => {
    const marker = findReady(layout, digest);
    return marker !== undefined && verdictOn(validation, marker.seal) === "run" ? marker : undefined;
  };
  // The lease first: what is looked at afterwards cannot be taken away any more.
  const found = await tryShare(layout.lock);
  if (found === "busy") return undefined;
  using held = new DisposableStack();
  let lease = found === "none" ? undefined : held.use(found);
  let marker = good();
  if (marker !== undefined && lease === undefined) {
    // Somebody has removed the lock file, or there are no leases here.
    lease = held.use(await share(layout.lock));
    if (lease !== undefined) marker = good();
  }
  if (marker === undefined) return undefined;
  const workenv = workenvAt(layout, marker.launch, call, lease);
  held.move();
  return workenv;
}

const windowsOf = ({ host }: Invocation): boolean => host.os === "windows";

export const layoutFor = (call: Invocation, id: string): WorkenvLayout =>
  layoutOf(cacheDirectory({ env: call.env, cwd: call.cwd, windows: windowsOf(call) }), id);

export function workenvAt(
  layout: WorkenvLayout,
  launch: LaunchFacts,
  call: Invocation,
  lease: Lease | undefined,
): Workenv {
  const scope = scopeOf(launch, layout.content, call.host, bunRuntimeOf(layout.bun).program);
  const env = childEnvironment(call.env, launch, scope, {
    originalCommand: call.argv0,
    commandName: basename(call.argv0),
    cache: layout.cache,
    windows: windowsOf(call),
  });
  return { launch, layout, scope, env, lease };
}
