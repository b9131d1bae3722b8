import { basename, isAbsolute, resolve } from "node:path";
import { scopeOf } from "../format/command/command.ts";
import { childEnvironment, type Environment } from "../format/command/environment.ts";
import type { Scope } from "../format/command/template.ts";
import type { Bytes } from "../format/types.ts";
import { sha256Hex } from "../format/wire/hashes.ts";
import type { Marker } from "../format/workenv/marker.ts";
import { runsUnseen, stricterOf } from "../format/trust/levels.ts";
import { packageIdIn } from "../format/wire/package-id.ts";
import type { LaunchFacts } from "../format/wire/metadata-types.ts";
import { bunRuntimeOf } from "../format/workenv/bun-link.ts";
import { findReady } from "../format/workenv/entry.ts";
import { type Lease, makeLockFile, tryShare } from "../format/cache/locks/flock.ts";
import { layoutOf, type WorkenvLayout } from "../format/cache/layout.ts";
import { cacheCandidates, type Rung } from "../format/cache/location.ts";
import { isPrivate } from "../format/cache/ownership.ts";
import type { LauncherOptions } from "./env.ts";
import type { Invocation } from "./invocation.ts";

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
export function findWorkenv(block: Bytes, call: Invocation, options: LauncherOptions): Workenv | undefined {
  const id = packageIdIn(block);
  if (id === undefined) return undefined;
  // The first place costs what it always did; the others are looked at only when nothing was found there.
  for (const rung of candidatesFor(call)) {
    const found = isTrusted(rung, call) ? findAt(layoutOf(rung.path, id), block, call, options) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Everybody can make a folder where temporary ones are, so that one must be the user's own to be believed. */
const isTrusted = ({ path, why }: Rung, { uid }: Invocation): boolean =>
  why !== "temp" || uid === undefined || isPrivate(path, uid);

function findAt(
  layout: WorkenvLayout,
  block: Bytes,
  call: Invocation,
  options: LauncherOptions,
): Workenv | undefined {
  // The lease first: what is looked at afterwards cannot be taken away any more.
  const lease = tryShare(layout.lock);
  globalThis.failPoint?.("lease-taken");
  const marker = lease === "busy" ? undefined : findReady(layout, sha256Hex(block), call.uid);
  globalThis.failPoint?.("marker-read");
  if (marker === undefined || !isEnough(marker, options) || !isJudged(marker, options)) {
    leaseIn(lease)?.[Symbol.dispose]();
    return undefined;
  }
  // Somebody has removed the lock file. It is made again, and then all is looked at again.
  if (lease === "missing" && makeLockFile(layout.lock)) return findAt(layout, block, call, options);
  return workenvAt(layout, marker.launch, call, leaseIn(lease));
}

/** Whether the slots are there that this start needs besides those that always are. */
function isEnough({ slots, launch }: Marker, { dev, demanded }: LauncherOptions): boolean {
  if (!dev && demanded.length === 0) return true;
  const wanted = dev ? [...demanded, ...launch.devSlots] : demanded;
  return wanted.every((slot) => slots.includes(slot));
}

/**
 * Whether what was found out when the marker was written answers all that this start asks: the level of the caller, or
 * that of the machine's owner if it is stricter, and the keys that the caller lists.
 */
function isJudged(
  { seal, trust, lowest, signer }: Marker,
  { validation, trustedKeys }: LauncherOptions,
): boolean {
  if (!runsUnseen(stricterOf(validation, lowest), seal, trust)) return false;
  if (trustedKeys === undefined) return trust !== "named";
  const keys = trustedKeys.toLowerCase().split(",");
  return keys.includes(signer) && keys.every((key) => /^[0-9a-f]{64}$/.test(key));
}

const windowsOf = ({ host }: Invocation): boolean => host.os === "windows";

/** The folders that may hold the workenv of a call, the best first. */
export const candidatesFor = (call: Invocation): readonly Rung[] =>
  cacheCandidates({ env: call.env, cwd: call.cwd, windows: windowsOf(call), uid: call.uid });

const leaseIn = (lease: Lease | string): Lease | undefined => (typeof lease === "string" ? undefined : lease);

/** A lease on a workenv that nobody can take away now, where there are leases. */
export const leaseOn = (layout: WorkenvLayout): Lease | undefined => leaseIn(tryShare(layout.lock));

/** The name of the file that was started: a link's, for example. The first call of `basename` costs 0.05 ms. */
const commandNameOf = (call: Invocation): string =>
  windowsOf(call) ? basename(call.argv0) : call.argv0.slice(call.argv0.lastIndexOf("/") + 1);

export function workenvAt(
  layout: WorkenvLayout,
  launch: LaunchFacts,
  call: Invocation,
  lease: Lease | undefined,
): Workenv {
  const scope = scopeOf(launch, layout.content, call.host, bunRuntimeOf(layout.bun).program);
  const env = childEnvironment(call.env, launch, scope, {
    originalCommand: call.argv0,
    commandName: commandNameOf(call),
    package: isAbsolute(call.package) ? call.package : resolve(call.cwd(), call.package),
    cache: layout.cache,
    windows: windowsOf(call),
  });
  return { launch, layout, scope, env, lease };
}
