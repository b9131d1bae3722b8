import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../command/environment.ts";
import type { Scope } from "../command/template.ts";
import { bootId, syncTree } from "../io/durable.ts";
import { doing, errnoOf, ioError } from "../io/fs.ts";
import { resolveInside } from "../io/paths.ts";
import { removeTree } from "../io/remove-tree.ts";
import { replaceFile } from "../io/replacement.ts";
import { openTreeWriter } from "../io/tree-writer.ts";
import type { Package } from "../reader.ts";
import type { Sha256 } from "../types.ts";
import { sha256Hex } from "../wire/hashes.ts";
import type { LaunchFacts, Metadata } from "../wire/metadata-types.ts";
import { needsBun, writeBunRuntime } from "./bun-runtime.ts";
import { identityOf, isInPlace, readMarker } from "./entry.ts";
import { extractSlot, fileTarget } from "./extract-slot.ts";
import { indexAsJson } from "./index-json.ts";
import { storeOf, type WorkenvLayout } from "../cache/layout.ts";
import { acquire, type Lease, tryShare } from "../cache/lock.ts";
import { encodeMarker, type Marker, newMarker } from "./marker.ts";
import { runSetup } from "./setup.ts";
import { openStaging } from "../cache/staging.ts";

export interface EnsureRequest {
  readonly layout: WorkenvLayout;
  /** SHA-256 of the package's index block. */
  readonly digest: Sha256;
  readonly seal: Marker["seal"];
  /** What placeholders mean in this workenv. */
  readonly scope: Scope;
  /** The application's environment: setup commands run in it. */
  readonly env: Environment;
  /** Absolute path of the running launcher, for `{bun}`. */
  readonly launcher: string;
  /** Leave the staging directory of a failed attempt where it is, for whoever looks for the fault. */
  readonly keepTemp?: boolean;
  /** Bring the content onto the disk before the marker vouches for it. */
  readonly durable: boolean;
  /** Told once when another process is preparing the same workenv. */
  readonly onWait: () => void;
  /** Told once when an application is running from a workenv that must be made anew. */
  readonly onBusy: () => void;
}

/**
 * Makes the workenv of a package ready and gives a lease on it: unpacked aside, put into its place by one rename, set
 * up there, brought onto the disk, and only then vouched for by the marker. Of several processes one does the work and
 * the others find it done. Whatever happens before the marker is written, the next call starts anew.
 */
export async function ensureWorkenv(pkg: Package, request: EnsureRequest): Promise<Lease | undefined> {
  const { layout, digest, seal } = request;
  createCache(layout);
  using _making = await acquire(layout.making, request.onWait);
  globalThis.failPoint?.("making-locked");
  const found = readMarker(layout);
  if (found === undefined || !holdsContentOf(found, pkg, layout)) await make(pkg, request);
  // The same content under another signature: only who signed it is new.
  else if (found.digest !== digest || found.seal !== seal) writeMarker(pkg, request, found);
  globalThis.failPoint?.("before-lease");
  const lease = tryShare(layout.lock);
  return typeof lease === "string" ? undefined : lease;
}

const holdsContentOf = (marker: Marker, { json }: Package, layout: WorkenvLayout): boolean =>
  marker.jsonDigest === sha256Hex(json) && isInPlace(marker, layout);

async function make(pkg: Package, request: EnsureRequest): Promise<void> {
  const { layout } = request;
  using staging = await openStaging(layout.cache, request.keepTemp === true ? "keep" : "remove");
  await unpack(pkg, staging.path);
  globalThis.failPoint?.("unpacked");
  {
    // Nobody but us makes it, and from here on nobody uses what is replaced.
    using _exclusive = await acquire(layout.lock, request.onBusy);
    retire(layout);
    publish(staging.path, layout);
    globalThis.failPoint?.("published");
  }
  setUp(pkg, request);
  globalThis.failPoint?.("set-up");
  const durable = request.durable && syncTree(layout.content);
  globalThis.failPoint?.("synced");
  const boot = bootId();
  writeMarker(pkg, request, { durable, ...(boot === undefined ? {} : { bootId: boot }) });
}

function createCache({ cache }: WorkenvLayout): void {
  const { staging, trash, locks } = storeOf(cache);
  for (const directory of [cache, staging, trash, locks])
    doing("create", directory, () => mkdirSync(directory, { recursive: true, mode: 0o700 }));
}

async function unpack(pkg: Package, root: string): Promise<void> {
  using writer = openTreeWriter(root);
  for (const slot of pkg.slots) {
    await extractSlot(pkg.source, slot, writer);
    globalThis.failPoint?.("slot-unpacked");
  }
  for (const { path, mode } of pkg.metadata.workenv.directories) writer.directory(path, mode ?? 0o700);
  writer.finish();
}

/** Takes an entry out of service: first nobody vouches for it, then it moves away, then it is deleted. */
export function retire(layout: WorkenvLayout): void {
  doing("remove", layout.marker, () => rmSync(layout.marker, { force: true }));
  globalThis.failPoint?.("retired-marker");
  const grave = join(storeOf(layout.cache).trash, crypto.randomUUID());
  try {
    // A folder that is not writable cannot get another parent.
    if (lstatSync(layout.content).isDirectory()) chmodSync(layout.content, 0o700);
    renameSync(layout.content, grave);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return;
    throw ioError("put aside", layout.content, error);
  }
  globalThis.failPoint?.("retired-content");
  removeTree(grave);
}

const publish = (staging: string, { content }: WorkenvLayout): void =>
  doing("put the unpacked package at", content, () => renameSync(staging, content));

function setUp({ metadata, slots }: Package, { layout, scope, env, launcher }: EnsureRequest): void {
  if (needsBun(metadata)) writeBunRuntime(layout.bun, launcher);
  runSetup(metadata.setupCommands, scope, env);
  for (const slot of slots)
    if (slot.entry.lifecycle === "init") removeTree(resolveInside(layout.content, fileTarget(slot)));
}

export function launchFactsOf(metadata: Metadata): LaunchFacts {
  const { package: about, execution, runtimeEnv, workenv, slots } = metadata;
  const targets = slots.map(({ target }) => ({ target }));
  return { package: about, execution, runtimeEnv, workenv, slots: targets, usesBun: needsBun(metadata) };
}

/** Index and metadata for people, then the marker, always last. */
function writeMarker(
  pkg: Package,
  { layout, digest, seal }: EnsureRequest,
  { durable, bootId }: Pick<Marker, "durable" | "bootId">,
): void {
  replaceFile(layout.index, indexAsJson(pkg.index));
  replaceFile(layout.metadata, pkg.json);
  globalThis.failPoint?.("before-marker");
  const marker = newMarker({
    packageId: layout.id,
    digest,
    jsonDigest: sha256Hex(pkg.json),
    ...(identityOf(layout.content) ?? { inode: -1, born: -1 }),
    seal,
    launch: launchFactsOf(pkg.metadata),
    durable,
    ...(bootId === undefined ? {} : { bootId }),
    created: new Date().toISOString(),
  });
  replaceFile(layout.marker, encodeMarker(marker), 0o600, durable ? "durable" : undefined);
  globalThis.failPoint?.("marker-in-place");
}
