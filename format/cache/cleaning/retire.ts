import { chmodSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { doing, errnoOf } from "../../io/fs.ts";
import { renamePatiently } from "../../io/patient-rename.ts";
import { removeTree } from "../../io/remove-tree.ts";
import { storeOf, type WorkenvLayout } from "../layout.ts";
import { statOf } from "./measure.ts";

/**
 * Takes the content of an entry out of service, for who has its locks: first nobody vouches for it any more, then it
 * moves into the trash by one rename. Nothing that is missing is minded. Where it lies now, to be deleted: by the caller,
 * or by the next `sweepAbandoned`.
 */
export function retire(layout: WorkenvLayout): string | undefined {
  removeMarker(layout);
  globalThis.failPoint?.("retired-marker");
  const grave = putAway(layout.content, layout.cache);
  if (grave !== undefined) globalThis.failPoint?.("retired-content");
  return grave;
}

/** Whatever lies where the marker belongs. */
function removeMarker({ marker }: WorkenvLayout): void {
  // Where a file stands in place of its folder there is none.
  if (statOf(dirname(marker))?.isDirectory() === true) removeTree(marker);
}

/** Moves something into the trash by one rename, and says where. What no rename can move is deleted in its place. */
export function putAway(path: string, cache: string): string | undefined {
  const stat = statOf(path);
  if (stat === undefined) return undefined;
  const { trash } = storeOf(cache);
  const grave = join(trash, crypto.randomUUID());
  return doing("put aside", path, () => {
    mkdirSync(trash, { recursive: true, mode: 0o700 });
    // A folder that is not writable cannot get another parent.
    if (stat.isDirectory()) chmodSync(path, 0o700);
    try {
      renamePatiently(path, grave);
      return grave;
    } catch (error) {
      // So say overlays of a folder that came with the image of a container.
      if (errnoOf(error) !== "EXDEV") throw error;
      removeTree(path);
      return undefined;
    }
  });
}

/** What was put away and is not deleted yet, each with a path of its own. */
export function trashOf(cache: string): readonly string[] {
  const { trash } = storeOf(cache);
  if (statOf(trash)?.isDirectory() !== true) return [];
  return doing("list", trash, () => readdirSync(trash)).map((name) => join(trash, name));
}
