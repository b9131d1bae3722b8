import { matchesTarget, TARGET_NAMES } from "../../format/platform.ts";
import { memberPath, type Problems } from "../../format/wire/problems.ts";
import { SELF } from "./draft.ts";
import type { ManifestSlot } from "./manifest.ts";

/** A slot, where it stands in the manifest, and whether it becomes one file at its target. */
export interface Placed {
  readonly at: string;
  readonly slot: ManifestSlot;
  readonly isFile: boolean;
}

/**
 * A file needs its target for itself: no other slot may have the same one, or lie below it. Folders and archives may
 * share theirs. Slots that never come into one package do not meet.
 */
export function checkTargets(all: readonly Placed[], problems: Problems): void {
  const sound = all.filter(
    ({ at, slot }) => slot.source !== SELF && !problems.hasAt(memberPath(at, "target")),
  );
  const byTarget = Map.groupBy(sound, ({ slot }) => slot.target);
  const order = new Map(sound.map((placed, index) => [placed, index]));
  const isBefore = (a: Placed, b: Placed) => order.get(a)! < order.get(b)!;

  for (const placed of sound) {
    const { slot, isFile } = placed;
    const at = memberPath(placed.at, "target");
    const name = JSON.stringify(slot.target);
    if (isFile && slot.target === "") problems.add(at, "expected the path of a file, got the workenv itself");
    const same = byTarget.get(slot.target)!.find((other) => {
      return isBefore(other, placed) && (other.isFile || isFile) && meet(other.slot, slot);
    });
    if (same !== undefined) problems.add(at, `${name} is already the target of ${same.at}`);
    const above = parentsOf(slot.target)
      .flatMap((parent) => byTarget.get(parent) ?? [])
      .find((other) => other.isFile && meet(other.slot, slot));
    if (above !== undefined) problems.add(at, `${name} lies below the file of ${above.at}`);
  }
}

/** "a/b/c" lies in "a" and "a/b". */
const parentsOf = (path: string): readonly string[] =>
  [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index));

/** Whether some platform takes both. */
const meet = ({ platform: a = "any" }: ManifestSlot, { platform: b = "any" }: ManifestSlot): boolean =>
  TARGET_NAMES.some((target) => matchesTarget(a, target) && matchesTarget(b, target));
