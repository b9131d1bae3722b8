import { isAbsolute, resolve } from "node:path";
import { type ByteSource, openFileSource } from "../format/io/byte-source.ts";
import { completePackage, indexOf } from "../format/reader.ts";
import { LEVELS } from "../format/trust/levels.ts";
import type { Bytes } from "../format/types.ts";
import { readIndexBlock } from "../format/wire/read-index.ts";
import type { Differences } from "../format/workenv/exact/differences.ts";
import { isExactAsItIs } from "../format/workenv/exact/exact.ts";
import { needsBun, UNCACHED } from "../format/workenv/bun-runtime.ts";
import { ensureWorkenv } from "../format/workenv/ensure.ts";
import { launchFactsOf } from "../format/workenv/launch-facts.ts";
import { layoutOf } from "../format/cache/layout.ts";
import { choosePlace, spaceFor } from "../format/cache/place.ts";
import { findContent } from "../format/workenv/find-content.ts";
import type { LauncherOptions } from "./env.ts";
import { withInterruptible } from "./interruptible.ts";
import type { Invocation } from "./invocation.ts";
import { waitForChildren } from "./own-children.ts";
import { openToOwner } from "./owner-mask.ts";
import { refuseOwnWait } from "./own-wait.ts";
import { logOf } from "./log.ts";
import { openProgress } from "./progress.ts";
import { say } from "./say.ts";
import { judgePackage } from "./trust.ts";
import { candidatesFor, leaseOn, type Workenv, workenvAt } from "./workenv.ts";

/** A first start of a package that is a file: open until the end, because the slots are read from it. */
export async function prepareFromFile(call: Invocation, options: LauncherOptions): Promise<Workenv> {
  waitForChildren();
  using _open = openToOwner();
  using self = openFileSource(call.package);
  return await prepareWorkenv(self, await readIndexBlock(self), call, options);
}

/** A first start: index and metadata read strictly, the seal judged, the slots unpacked and set up. */
export async function prepareWorkenv(
  self: ByteSource,
  block: Bytes,
  caller: Invocation,
  options: LauncherOptions,
): Promise<Workenv> {
  const log = logOf(caller, options);
  const index = indexOf(block, self);
  const pkg = await completePackage(self, index);
  log("debug", () => `package ${pkg.id}: ${pkg.metadata.package.name} ${pkg.metadata.package.version}`);
  const judged = await judgePackage(pkg, caller, options);
  const exact = LEVELS[judged.level].rehash;
  const call = exact && needsBun(pkg.metadata) ? { ...caller, env: { ...caller.env, ...UNCACHED } } : caller;
  const launch = launchFactsOf(pkg.metadata, call.host);
  const found = findContent(pkg, candidatesFor(call), call.uid);
  await using progress = await openProgress(call);
  if (found?.use === "as it is") {
    const lease = leaseOn(found.layout);
    if (!exact || (await isExactAsItIs(pkg, found.layout, progress)))
      return workenvAt(found.layout, launch, call, lease);
    lease?.[Symbol.dispose]();
  }
  const usable = found?.use === "after mending" ? found.layout : undefined;
  const place = () =>
    choosePlace(candidatesFor(call), {
      needed: spaceFor(pkg),
      uid: call.uid,
      needsBun: needsBun(pkg.metadata),
      onUnusable: (problem) => log("info", () => `cannot unpack to ${problem}`),
    });
  const workenv = workenvAt(usable ?? layoutOf(place(), pkg.id), launch, call, undefined);
  log("info", () =>
    usable === undefined
      ? `unpacking ${pkg.slots.length} slots to ${workenv.layout.content}`
      : `looking through ${workenv.layout.content}`,
  );
  const lease = await withInterruptible((interruptible) =>
    ensureWorkenv(pkg, {
      layout: workenv.layout,
      digest: index.digest,
      seal: judged.seal,
      trust: judged.trust,
      lowest: judged.lowest,
      formerSigners: judged.formerSigners,
      scope: workenv.scope,
      env: workenv.env,
      // The current folder may be gone.
      source: isAbsolute(call.package) ? call.package : resolve(call.cwd(), call.package),
      launcher: call.executable,
      keepTemp: options.keepTemp,
      durable: options.durable,
      exact,
      onDifferent: (differences) => say(call, `warning: ${inWords(differences)}: it is unpacked again`),
      interruptible,
      dev: options.dev,
      demanded: options.demanded,
      onNotCarried: (path) => say(call, `warning: cannot take ${path} over from the version before`),
      progress,
      crew: call.startThread && { start: call.startThread, tell: (line) => log("debug", () => line) },
      onStep: (step) => log("debug", () => step),
      onWait: () => {
        refuseOwnWait(pkg.id, call);
        say(call, "waiting for another start of this package to finish unpacking it");
      },
      onBusy: () => say(call, "waiting for the application to end: its files must be unpacked again"),
      onDegraded: () =>
        say(
          call,
          `warning: file locks do not work in ${workenv.layout.cache}: cleaning cannot see what runs`,
        ),
    }),
  );
  await (await import("./clean.ts")).maybeClean(call, options, workenv.layout);
  return { ...workenv, lease };
}

/** How much of a workenv is not as it was made, in one line. */
function inWords(differences: Differences): string {
  const [[path, state] = ["", ""]] = differences;
  const more = differences.size === 1 ? "" : `, the first of ${differences.size}`;
  return `the workenv is not as it was made: ${JSON.stringify(path)} is ${state}${more}`;
}
