import { entriesOf } from "../../cache/entries.ts";
import type { WorkenvLayout } from "../../cache/layout.ts";
import { statOf } from "../../cache/cleaning/measure.ts";
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
  if (originals === undefined) return hasOriginals(layout) && statOf(layout.content) !== undefined;
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

/** What other versions of the same package have taken over: by the same signer, or by one that it has handed over to. */
const heirsOf = ({ cache, id }: WorkenvLayout, { name, signer }: Originals): readonly Originals[] =>
  entriesOf(cache)
    .filter((entry) => entry.id !== id)
    .flatMap((entry) => readOriginals(entry) ?? [])
    .filter(
      (originals) => originals.name === name && (originals.signer === signer || originals.from.includes(id)),
    );
