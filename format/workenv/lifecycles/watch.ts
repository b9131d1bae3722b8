import type { SlotEntry } from "../../wire/metadata-types.ts";
import type { Unpacked } from "../unpacking/unpacked.ts";
import { isDirectoryMode } from "../mending/file-facts.ts";
import { lifecycleOf } from "./lifecycle.ts";
import { isWithin } from "./slot-files.ts";
import { type IndexedFile, NO_SLOT, type Watch } from "../mending/stat-index.ts";

type Slots = readonly Pick<SlotEntry, "lifecycle" | "target">[];

/**
 * How much of a slot's files must stay as they were: of what the application may change, only that they are there; of
 * what comes and goes, or is the user's, nothing.
 */
export const watchFor =
  (slots: Slots) =>
  (slot: number): Watch => {
    const { made, goes, changes } = lifecycleOf(slots[slot]?.lifecycle ?? "runtime");
    if (made === "before every start" || goes !== "with the workenv" || changes === "user") return "nothing";
    return changes === "application" ? "existence" : "whole";
  };

/** Whether everything that slots wrote must stay as it was. */
export const isAllWatched = (slots: Slots): boolean => {
  const watchOf = watchFor(slots);
  return slots.every((_, i) => watchOf(i) === "whole");
};

/**
 * The rows of a stat index without what nobody wrote as a slot's file, but lies where such slots have their place: what
 * setup commands made there may go with them, and so may the folders above.
 */
export function withoutLoose(
  files: readonly IndexedFile[],
  slots: Slots,
  unpacked: Pick<Unpacked, "owners">,
): readonly IndexedFile[] {
  if (isAllWatched(slots)) return files;
  const watchOf = watchFor(slots);
  const places = slots.flatMap(({ target }, i) => (target !== "" && watchOf(i) !== "whole" ? [target] : []));
  const above = new Set(places.flatMap(foldersAbove));
  const { owners } = unpacked;
  for (const [path, slot] of owners)
    if (watchOf(slot) === "nothing") for (const folder of foldersAbove(path)) above.add(folder);
  const isLoose = ([path, , , mode]: IndexedFile) =>
    !owners.has(path) &&
    ((isDirectoryMode(mode) && above.has(path)) || places.some((place) => isWithin(path, place)));
  return files.filter((file) => file[4] !== NO_SLOT || !isLoose(file));
}

function foldersAbove(path: string): readonly string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join("/"));
}
