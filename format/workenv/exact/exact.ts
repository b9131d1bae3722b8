import type { WorkenvLayout } from "../../cache/layout.ts";
import type { Progress } from "../../progress/progress.ts";
import type { Package, Slot } from "../../reader.ts";
import type { Metadata, SlotEntry } from "../../wire/metadata-types.ts";
import { lifecycleOf } from "../lifecycles/lifecycle.ts";
import { readStartFiles, writeStartFiles } from "../lifecycles/start-files.ts";
import type { Marker } from "../marker.ts";
import { readOriginals } from "../user-files/originals.ts";
import { readMarker } from "../entry.ts";
import { isRuntimeIntact } from "./bun-files.ts";
import { describe, type Differences, differencesFrom, MISSING, type State } from "./differences.ts";
import { ownerOf, placesOf } from "./places.ts";
import { readSetupChanges, type SetupChanges, writeSetupChanges } from "./setup-changes.ts";
import { type SignedTree, signedTree } from "./signed-tree.ts";

/** "unknown": something set it up, and nobody has noted what that did. */
export type Judgement = Differences | "unknown";

/**
 * What is otherwise in a workenv than its package and its setup commands made it, in order of paths: bytes, modes, links,
 * and what was added; but for places that are the application's or the user's. Every byte is read. Throws what unpacking
 * throws, for a package that is damaged.
 */
export async function judgeWorkenv(
  pkg: Package,
  layout: WorkenvLayout,
  marker: Marker,
  progress?: Progress,
): Promise<Judgement> {
  const noted = isChangedBySetup(pkg.metadata) ? readSetupChanges(layout, marker) : NOTHING;
  if (noted === undefined) return "unknown";
  const { tree, differences } = await look(pkg, layout, marker.slots, pkg.metadata, progress);
  const left = new Map<string, State>(differences);
  for (const [path, what] of Object.entries(noted.changes)) {
    const slot = tree.get(path)?.slot;
    // A slot that came later has put its own there.
    if (slot !== undefined && slot >= 0 && !noted.slots.includes(slot)) continue;
    const now = describe(layout.content, path);
    if (now === what) left.delete(path);
    else left.set(path, now === MISSING ? "missing" : "changed");
  }
  return new Map([...left].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether a workenv is exact, with all that a start reads besides its files, and nothing has to be put right in it. */
export async function isUntouched(
  pkg: Package,
  layout: WorkenvLayout,
  marker: Marker,
  progress?: Progress,
): Promise<boolean> {
  if (!isRuntimeIntact(pkg.metadata, layout) || readStartFiles(layout)?.state === "unused") return false;
  const judgement = await judgeWorkenv(pkg, layout, marker, progress);
  return judgement !== "unknown" && judgement.size === 0;
}

/** Whether a workenv in a cache that cannot be written is exact, and stays so: there nothing can come with a start. */
export async function isExactAsItIs(
  pkg: Package,
  layout: WorkenvLayout,
  progress?: Progress,
): Promise<boolean> {
  const marker = readMarker(layout);
  const comes = ({ lifecycle }: SlotEntry) => lifecycleOf(lifecycle).made === "before every start";
  if (marker === undefined || pkg.metadata.slots.some(comes)) return false;
  return await isUntouched(pkg, layout, marker, progress);
}

const NOTHING: Pick<SetupChanges, "slots" | "changes"> = { slots: [], changes: {} };

/** Notes what is otherwise in a workenv that was just set up than its package has it. */
export async function noteSetupChanges(
  pkg: Package,
  layout: WorkenvLayout,
  { slots, created }: Pick<Marker, "slots" | "created">,
  progress?: Progress,
): Promise<void> {
  if (!isChangedBySetup(pkg.metadata)) return;
  // What lies in folders that will be the application's is the setup's now.
  const before = { ...pkg.metadata, workenv: { ...pkg.metadata.workenv, directories: [] } };
  const { differences } = await look(pkg, layout, slots, before, progress);
  const changes = Object.fromEntries(
    [...differences.keys()].map((path) => [path, describe(layout.content, path)]),
  );
  writeSetupChanges(layout, { created, slots, changes });
}

/** Files that come with every start are put there anew by the next one, whatever is noted of them. */
export function distrustStartFiles(layout: WorkenvLayout): void {
  const found = readStartFiles(layout);
  if (found?.state === "unused") writeStartFiles(layout, { ...found, state: "changing" });
}

/** Slots that go after the setup may leave something, or take something of others along. */
const isChangedBySetup = ({ setupCommands, slots }: Metadata): boolean =>
  setupCommands.length > 0 || slots.some(goesAfterSetup);

const goesAfterSetup = ({ lifecycle }: Pick<SlotEntry, "lifecycle">): boolean =>
  lifecycleOf(lifecycle).goes === "after setup";

async function look(
  pkg: Package,
  layout: WorkenvLayout,
  present: readonly number[],
  metadata: Metadata,
  progress: Progress | undefined,
): Promise<{ readonly tree: SignedTree; readonly differences: Differences }> {
  // In the order in which they came.
  const slots = present.flatMap((index): readonly Slot[] => {
    const slot = pkg.slots.find(({ entry }) => entry.index === index);
    return slot === undefined || goesAfterSetup(slot.entry) ? [] : [slot];
  });
  const isCompared = ({ entry }: Slot) => ownerOf(entry) === "package";
  const tree = await signedTree(pkg, slots, layout.content, isCompared, progress);
  const places = placesOf(metadata, tree, readOriginals(layout));
  return { tree, differences: differencesFrom(tree, places, layout.content) };
}
