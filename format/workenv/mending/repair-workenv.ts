import { utimesSync } from "node:fs";
import { lastUsedOf } from "../../cache/entries.ts";
import type { WorkenvLayout } from "../../cache/layout.ts";
import { tryAcquire } from "../../cache/locks/lock.ts";
import { PspfError } from "../../errors.ts";
import { bootId, syncTree } from "../../io/durable.ts";
import { replaceFile } from "../../io/replacement.ts";
import type { Progress } from "../../progress/progress.ts";
import { checkFiles } from "./check.ts";
import { compareFiles } from "./compare.ts";
import { type FileFacts, isDirectoryMode } from "./file-facts.ts";
import type { Marker, Sample } from "../marker.ts";
import { openOrigin } from "./origin.ts";
import { writeMarker } from "../record.ts";
import { repairFiles } from "./repair.ts";
import { listOf } from "./file-list.ts";
import { encodeStatIndex, type IndexedFile, NO_SLOT } from "./stat-index.ts";
import { held, type KnownWorkenv, knownWorkenv } from "./verify-workenv.ts";

/** What a repair did. */
export interface WorkenvRepair {
  /** Put back from the package. */
  readonly repaired: readonly IndexedFile[];
  /** Missing or truncated, but made by setup commands: only a workenv that is made anew has them. */
  readonly ofSetup: readonly IndexedFile[];
  /** Left as an application or a person changed them. */
  readonly changed: readonly IndexedFile[];
  /** The package that they came from. */
  readonly source: string;
}

/** What to put back, and from where. */
export interface RepairRequest {
  /** The package's file; where the marker says when not given. */
  readonly path?: string;
  /** "damage": what is missing, truncated or damaged. "everything": also what was changed. */
  readonly extent: "damage" | "everything";
  /** Told how it gets on. */
  readonly progress?: Progress | undefined;
}

/**
 * Puts files of a workenv back as its package has them, also under an application that runs from it: each by one rename.
 * Files of the user's, as those of `config` slots, are never among them. Throws `workenv-busy` while somebody makes it,
 * `workenv-damaged` where nothing can be put back, and what is wrong with the package.
 */
export async function repairWorkenv(layout: WorkenvLayout, request: RepairRequest): Promise<WorkenvRepair> {
  using making = await tryAcquire(layout.making);
  if (making === undefined)
    throw new PspfError("workenv-busy", `Cannot repair the workenv ${layout.id}: a launcher is making it`, {
      hint: "try again when that has ended",
    });
  const known = knownWorkenv(layout);
  if (known === undefined) throw cannot(layout, "it is not complete", "the next start makes it anew");
  using origin = held(await openOrigin(known.marker, request.path));
  if (typeof origin.value === "string")
    throw cannot(layout, origin.value, "--package FILE names the package's file");
  const { pkg, path: source } = origin.value;
  const { missing, truncated, changed } = checkFiles(layout.content, known.files);
  const touched = new Set([...missing, ...truncated, ...changed]);
  const damaged = await compareFiles(
    pkg,
    layout.content,
    known.files.filter((file) => !touched.has(file)),
    request.progress,
  );
  const isOfSetup = ([, , , mode, slot]: IndexedFile) => slot === NO_SLOT && !isDirectoryMode(mode);
  const isWanted = request.extent === "everything";
  const wanted = [...missing, ...truncated, ...damaged, ...(isWanted ? changed : [])];
  const possible = wanted.filter((file) => !isOfSetup(file));
  const ofSetup = [...missing, ...truncated].filter(isOfSetup);
  if (wanted.length > 0)
    await putBack(layout, known, ofSetup, async () => {
      const facts = possible.length === 0 ? [] : await repairFiles(pkg, layout, possible, request.progress);
      making.confirm();
      return facts ?? [];
    });
  return {
    repaired: possible,
    ofSetup,
    changed: isWanted ? changed.filter(isOfSetup) : changed,
    source,
  };
}

const cannot = (layout: WorkenvLayout, state: string, hint: string) =>
  new PspfError("workenv-damaged", `Cannot repair the workenv ${layout.id}: ${state}`, { hint });

/** Until all is back, every start looks at everything: this process may be killed in between. */
async function putBack(
  layout: WorkenvLayout,
  { marker, files }: KnownWorkenv,
  ofSetup: readonly IndexedFile[],
  repair: () => Promise<readonly IndexedFile[]>,
): Promise<void> {
  const lastUsed = lastUsedOf(layout) / 1000;
  writeMarker(layout, { ...marker, suspect: true });
  globalThis.failPoint?.("suspected");
  const mended = new Map((await repair()).map((file) => [file[0], file]));
  globalThis.failPoint?.("repaired");
  replaceFile(layout.files, encodeStatIndex(listOf(files.map((file) => mended.get(file[0]) ?? file))));
  const durable = marker.durable && syncTree(layout.content);
  const boot = bootId();
  writeMarker(layout, {
    ...marker,
    sample: renewed(marker.sample, mended),
    // What only setup commands can make, the next start makes anew.
    suspect: ofSetup.length > 0,
    durable,
    ...(boot === undefined ? {} : { bootId: boot }),
  });
  // Nobody has used it.
  utimesSync(layout.marker, lastUsed, lastUsed);
}

function renewed(
  { entryPoints, others }: Sample,
  mended: ReadonlyMap<string, IndexedFile>,
): Marker["sample"] {
  const renew = (facts: FileFacts): FileFacts => {
    const found = mended.get(facts[0]);
    return found === undefined ? facts : [found[0], found[1], found[2], found[3]];
  };
  return { entryPoints: entryPoints.map(renew), others: others.map(renew) };
}
