import { mkdirSync } from "node:fs";
import { storeOf, type WorkenvLayout } from "../cache/layout.ts";
import { acquire, hasLeases, type Lease, type Lock, share, tryShare } from "../cache/locks/lock.ts";
import type { Environment } from "../command/environment.ts";
import type { Scope } from "../command/template.ts";
import { doing } from "../io/fs.ts";
import type { Progress } from "../progress/progress.ts";
import type { Package } from "../reader.ts";
import type { Sha256 } from "../types.ts";
import { sha256Hex } from "../wire/hashes.ts";
import { writeBunRuntime } from "./bun-runtime.ts";
import { isRuntimeIntact } from "./exact/bun-files.ts";
import type { Differences } from "./exact/differences.ts";
import { distrustStartFiles, isUntouched, judgeWorkenv } from "./exact/exact.ts";
import { addMissingSlots } from "./lifecycles/add-slots.ts";
import { planSlots, wishesIn } from "./lifecycles/slot-plan.ts";
import { findReady, readMarker } from "./entry.ts";
import { heal } from "./mending/heal.ts";
import { make } from "./make.ts";
import { judgementOf } from "./record.ts";
import type { Marker } from "./marker.ts";
import { tidyBookkeeping } from "./tidy-bookkeeping.ts";
import type { Crew } from "./unpacking/unpack-together.ts";

export interface EnsureRequest {
  readonly layout: WorkenvLayout;
  /** SHA-256 of the package's index block. */
  readonly digest: Sha256;
  readonly seal: Marker["seal"];
  /** What is known of the signer; nothing when not given. */
  readonly trust?: Marker["trust"];
  /** The lowest level that the machine's owner allows; "none" when not given. */
  readonly lowest?: Marker["lowest"];
  /** Keys that have handed over to the signer, 64 hex digits each: users keep what they edited of their packages. */
  readonly formerSigners?: readonly string[];
  /** Absolute path of the package's file. */
  readonly source: string;
  /** What placeholders mean in this workenv. */
  readonly scope: Scope;
  /** The application's environment: setup commands run in it. */
  readonly env: Environment;
  /** Absolute path of the running launcher, for `{bun}`. */
  readonly launcher: string;
  /** Unpack slots for development, too. */
  readonly dev?: boolean;
  /** Indices of slots that must be there besides those that always are. */
  readonly demanded?: readonly number[];
  /** Leave the staging directory of a failed attempt where it is, for whoever looks for the fault. */
  readonly keepTemp?: boolean;
  /** Bring the content onto the disk before the marker vouches for it. */
  readonly durable: boolean;
  /**
   * Use a workenv only if every byte in it is the package's, or was made by its setup commands, but for what is the
   * application's or the user's; another one is made anew.
   */
  readonly exact?: boolean;
  /** Told what was otherwise in a workenv that had to be exact. */
  readonly onDifferent?: (differences: Differences) => void;
  /** Does work that a signal to this process shall end in an orderly way; without it, a signal just ends us. */
  readonly interruptible?: <T>(work: (interrupted: AbortSignal) => Promise<T>) => Promise<T>;
  /** Told of each file of the user's that could not be taken over from an earlier workenv. */
  readonly onNotCarried?: (path: string) => void;
  /** Told of each step that was done, for who wants to know where the time goes. */
  readonly onStep?: (step: string) => void;
  /** Threads for large packages; without them all is done in this one. */
  readonly crew?: Crew | undefined;
  /** Told how unpacking, comparing and mending get on. */
  readonly progress?: Progress | undefined;
  /** Told once when another process is preparing the same workenv. */
  readonly onWait: () => void;
  /** Told once when an application is running from a workenv that must be made anew. */
  readonly onBusy: () => void;
  /** Told when locks that applications can hold do not work in this cache, so that nobody sees what runs. */
  readonly onDegraded?: () => void;
}

/**
 * Makes the workenv of a package ready and gives a lease on it: made when there is none, else looked through and mended
 * where files are missing. Of several processes one does the work and the others find it done.
 */
export async function ensureWorkenv(pkg: Package, request: EnsureRequest): Promise<Lease | undefined> {
  const { layout } = request;
  createCache(layout);
  // Windows never has them: that is no news.
  if (process.platform !== "win32" && !hasLeases(storeOf(layout.cache).locks)) request.onDegraded?.();
  const lease = request.exact === true ? await leaseIfExact(pkg, request) : undefined;
  if (lease !== undefined) return lease;
  using making = await acquire(layout.making, request.onWait);
  globalThis.failPoint?.("making-locked");
  await ensureContent(pkg, request, making);
  globalThis.failPoint?.("before-lease");
  // Whoever would remove it waits for us, so it is still there when we have the lease.
  return await share(layout.lock);
}

async function ensureContent(pkg: Package, request: EnsureRequest, making: Lock): Promise<void> {
  const { layout, digest } = request;
  tidyBookkeeping(layout);
  if (request.exact === true && !(await isExact(pkg, request))) return make(pkg, request, making);
  // Who had to wait for another start finds its work done.
  if (!isNoted(findReady(layout, digest), request)) {
    const found = readMarker(layout);
    const isMended =
      found !== undefined && holdsContentOf(found, pkg) && (await heal(pkg, request, found, making));
    if (!isMended) return make(pkg, request, making);
  }
  const ready = readMarker(layout);
  if (ready !== undefined) await addMissingSlots(pkg, request, ready, making);
}

/** Whether a marker that counts says about seal and signer what this start has found. */
function isNoted(marker: Marker | undefined, request: EnsureRequest): boolean {
  const { seal, trust, lowest } = judgementOf(request);
  return marker?.seal === seal && marker.trust === trust && marker.lowest === lowest;
}

/**
 * A lease on a workenv that counts and is exact: starts that change nothing need not wait for each other, because what is
 * leased is not taken away. Undefined for anything that has to be looked at with the lock.
 */
async function leaseIfExact(pkg: Package, request: EnsureRequest): Promise<Lease | undefined> {
  const { layout, digest } = request;
  const lease = tryShare(layout.lock);
  if (typeof lease === "string") return undefined;
  using held = new DisposableStack();
  held.use(lease);
  const marker = findReady(layout, digest);
  if (marker === undefined || !isNoted(marker, request) || !holdsContentOf(marker, pkg)) return undefined;
  const { withWorkenv, afterSetup } = planSlots(pkg.metadata, wishesIn(request));
  if (withWorkenv.some((slot) => !marker.slots.includes(slot) && !afterSetup.includes(slot)))
    return undefined;
  if (!(await isUntouched(pkg, layout, marker, request.progress))) return undefined;
  held.move();
  return lease;
}

/** Whether nothing was done to a workenv that counts. What a start reads besides its files is written again. */
async function isExact(pkg: Package, request: EnsureRequest): Promise<boolean> {
  const { layout, launcher, onDifferent, progress } = request;
  const marker = readMarker(layout);
  if (marker === undefined || !holdsContentOf(marker, pkg)) return false;
  const judgement = await judgeWorkenv(pkg, layout, marker, progress);
  if (judgement === "unknown") return false;
  if (judgement.size > 0) {
    onDifferent?.(judgement);
    return false;
  }
  if (!isRuntimeIntact(pkg.metadata, layout)) writeBunRuntime(layout.bun, launcher);
  distrustStartFiles(layout);
  return true;
}

/** Whether a marker was written over the content of a package; in which folder, is another question. */
export const holdsContentOf = (marker: Marker, { json }: Package): boolean =>
  marker.jsonDigest === sha256Hex(json);

function createCache({ cache }: WorkenvLayout): void {
  const { staging, trash, locks } = storeOf(cache);
  for (const directory of [cache, staging, trash, locks])
    doing("create", directory, () => mkdirSync(directory, { recursive: true, mode: 0o700 }));
}
