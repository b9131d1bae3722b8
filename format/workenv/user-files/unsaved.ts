import { readFileSync } from "node:fs";
import { entriesOf } from "../../cache/entries.ts";
import type { WorkenvLayout } from "../../cache/layout.ts";
import { statOf } from "../../cache/cleaning/measure.ts";
import { isObject } from "../../json-object.ts";
import { lifecycleOf } from "../lifecycles/lifecycle.ts";
import { hasStoredFiles } from "./carried-store.ts";
import { leadsOutside } from "./carry-over.ts";
import { readMarker } from "../entry.ts";
import { hasOriginals, type Originals, readOriginals } from "./originals.ts";
import { userFilesIn } from "./user-files.ts";

/**
 * Whether something of the user's would be lost with a workenv: files that were edited or added and that no other
 * version has taken over, or a slot for data whose workenv none has followed. What cannot be read counts as edited.
 */
export function hasUnsavedEdits(layout: WorkenvLayout): boolean {
  const originals = readOriginals(layout);
  if (originals === undefined)
    return statOf(layout.content) !== undefined && (hasOriginals(layout) || givesToUser(layout));
  // Saved by a process that was killed while it made the workenv anew.
  if (readMarker(layout) === undefined && hasStoredFiles(layout)) return true;
  if (statOf(layout.content) === undefined) return false;
  let isUnclear = false;
  const users = userFilesIn(layout.content, originals, () => {
    isUnclear = true;
  });
  const edited = [...users].filter(
    ([path, known]) => originals.files[path]?.id !== known.id && !leadsOutside(path, known),
  );
  if (!isUnclear && edited.length === 0 && !originals.isPersistent) return false;
  const heirs = heirsOf(layout, originals);
  const isTaken = ([path, { id }]: (typeof edited)[number]) =>
    heirs.some(({ taken }) => Object.hasOwn(taken, path) && taken[path]?.includes(id) === true);
  const hasHeir = heirs.some(({ from }) => from.includes(layout.id));
  return isUnclear || !edited.every(isTaken) || (originals.isPersistent && !hasHeir);
}

/** Whether a workenv that was ready once has slots that are its user's: then a cleaner took the note about them. */
function givesToUser({ metadata }: WorkenvLayout): boolean {
  try {
    const { slots } = JSON.parse(readFileSync(metadata, "utf8")) as { readonly slots?: unknown };
    const isUsers = (slot: unknown) =>
      isObject(slot) && lifecycleOf(String(slot["lifecycle"])).changes === "user";
    return Array.isArray(slots) && slots.some(isUsers);
  } catch {
    return false;
  }
}

/** What other versions of the same package have taken over: by the same signer, or by one that it has handed over to. */
const heirsOf = ({ cache, id }: WorkenvLayout, { name, signer }: Originals): readonly Originals[] =>
  entriesOf(cache)
    .filter((entry) => entry.id !== id)
    .flatMap((entry) => readOriginals(entry) ?? [])
    .filter(
      (originals) => originals.name === name && (originals.signer === signer || originals.from.includes(id)),
    );
