import { chmodSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { recordOf } from "../../json-object.ts";
import { inFolder } from "../../io/in-folder.ts";
import { resolveInside } from "../../io/paths.ts";
import { faultOfLinkTarget } from "../../tar/link-target.ts";
import { type Outcome, nameBeside, outcomeOf } from "./carry-plan.ts";
import type { Source } from "./earlier.ts";
import type { ContentId, Known } from "./originals.ts";
import { isThere, moveAside, placeCopy } from "./place-file.ts";
import { type Found, knownAt, userFilesIn } from "./user-files.ts";

/** A file of the user's that was copied to a new workenv. */
export interface CarriedFile {
  /** Where it lies in the new workenv. */
  readonly path: string;
  /** Absolute path of what it is a copy of. */
  readonly source: string;
  readonly id: ContentId;
}

/** What became of the user's files in the tree of a new workenv. */
export interface CarriedOver {
  readonly files: readonly CarriedFile[];
  /** Where the package's file lies that differs from the user's, by the path of that one. */
  readonly beside: Readonly<Record<string, string>>;
  /** Paths that the user has removed. */
  readonly removed: ReadonlySet<string>;
  /** Contents of the user's that are in the new workenv now, by their path in the old one. */
  readonly taken: Readonly<Record<string, readonly ContentId[]>>;
}

/** The tree that is to be the new workenv. */
export interface FreshTree {
  readonly root: string;
  /** What the package gives to slots that are the user's. */
  readonly files: ReadonlyMap<string, Known>;
  /** Whether a path is another slot's. */
  readonly isOthers: (path: string) => boolean;
}

/** The user's files of a source, by path: where each lies, and what it is. */
export type UsersFiles = ReadonlyMap<string, Found & { readonly source: string }>;

/**
 * What the user has in a source. What the package gave and is missing or empty in its damaged content was lost, not
 * removed.
 */
export function usersFilesOf(
  { content, originals, is }: Source,
  onUnreadable: (path: string) => void,
): UsersFiles {
  const files = new Map<string, Found & { readonly source: string }>();
  for (const [path, found] of userFilesIn(content, originals, onUnreadable)) {
    const original = originals.files[path];
    const isLost =
      is === "the same" && found.size === 0 && original !== undefined && original.id !== found.id;
    if (!isLost) files.set(path, { ...found, source: resolveInside(content, path) });
  }
  return files;
}

/** Merges the user's files into the tree of a new workenv. The package's files that must give way lie beside them. */
export function carryInto(
  { root, files: fresh, isOthers }: FreshTree,
  { originals, is }: Pick<Source, "originals" | "is">,
  users: UsersFiles,
  onFailed: (path: string) => void,
): CarriedOver {
  const outcomes = new Map<string, Outcome>();
  for (const path of new Set([...Object.keys(originals.files), ...users.keys()])) {
    if (isOthers(path)) continue;
    const original = originals.files[path];
    const found = users.get(path);
    const current = found ?? (is === "the same" ? original : undefined);
    if (found !== undefined && leadsOutside(path, found)) continue;
    const besideBefore = originals.beside[path];
    const wasBeside = besideBefore !== undefined && users.has(besideBefore);
    outcomes.set(path, outcomeOf({ original, current, fresh: fresh.get(path)?.id, wasBeside }));
  }
  const isUsers = (path: string) => outcomes.get(path)?.holds === "user's";
  const files: CarriedFile[] = [];
  const beside = recordOf<string>();
  const removed = new Set<string>();
  const taken = recordOf<readonly ContentId[]>();
  // First what gives way: a name that it gets must not be one that comes later.
  for (const [path, outcome] of outcomes) {
    if (outcome.holds === "package's") {
      if (outcome.mode !== undefined && fresh.has(path)) setMode(root, path, outcome.mode);
    } else if (fresh.has(path)) {
      if (outcome.beside) {
        const name = nameBeside(path, "new", (other) => isUsers(other) || isThere(root, other));
        moveAside(root, path, name);
        beside[path] = name;
      } else {
        remove(root, path);
      }
      if (outcome.holds === "nothing") removed.add(path);
    }
  }
  for (const [path, { holds, isUsers: isMade }] of outcomes) {
    const found = users.get(path);
    if (found === undefined || !isMade) continue;
    if (holds !== "user's") taken[path] = [found.id];
    else {
      try {
        const place = placeCopy(found.source, root, path);
        // The application may have written to it since we looked.
        const id = knownAt(resolveInside(root, place))?.id ?? found.id;
        files.push({ path: place, source: found.source, id });
        taken[path] = [id];
      } catch {
        onFailed(path); // it stays where it is, and cleaning knows that
      }
    }
  }
  return { files, beside, removed, taken };
}

/** A link that means something in another workenv, or outside, means nothing in this one. */
export const leadsOutside = (path: string, { id }: Known): boolean =>
  id.startsWith("link:") &&
  faultOfLinkTarget(path, id.slice("link:".length), { windows: false }) !== undefined;

function remove(root: string, path: string): void {
  const place = resolveInside(root, path);
  inFolder(dirname(place), () => rmSync(place, { force: true }));
}

function setMode(root: string, path: string, mode: number): void {
  if (knownAt(resolveInside(root, path))?.id.startsWith("link:") === false)
    chmodSync(resolveInside(root, path), mode & 0o777);
}
