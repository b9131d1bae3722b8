import { posix } from "node:path";
import { isArchive } from "../../codecs/chain.ts";
import type { Metadata, SlotEntry } from "../../wire/metadata-types.ts";
import { lifecycleOf } from "../lifecycles/lifecycle.ts";
import type { Originals } from "../user-files/originals.ts";
import { rootsOf } from "../user-files/take-over.ts";
import type { SignedEntry, SignedTree } from "./signed-tree.ts";

type Owner = "package" | "application" | "user";

/** Whose business it is what becomes of a slot's files. Those that come and go are made anew when they are used. */
export function ownerOf({ lifecycle }: Pick<SlotEntry, "lifecycle">): Owner {
  const { made, goes, changes } = lifecycleOf(lifecycle);
  if (changes === "user") return "user";
  return made === "before every start" || goes === "at the end" ? "application" : changes;
}

/** Which entries of a tree, and which places in it, must be as the package has them. */
export interface Places {
  isPackages(entry: SignedEntry): boolean;
  /** Whether the application or the user may have put something at a path. */
  isFree(path: string): boolean;
  /** Whether something below a path must be as the package has it. */
  hasPackagesBelow(path: string): boolean;
  /** Whether something below a path is free, so that there may be a folder. */
  hasFreeBelow(path: string): boolean;
}

/**
 * The deepest place that a path lies in decides. Free are the targets of slots whose changes are the application's or the
 * user's, folders that the package asks for without putting files into them, and what the user has taken over from
 * earlier versions. `bin` is not: it is the first folder of PATH.
 */
export function placesOf(
  { slots, workenv }: Pick<Metadata, "slots" | "workenv">,
  tree: SignedTree,
  originals: Pick<Originals, "roots" | "taken"> | undefined,
): Places {
  const owners = slots.map(ownerOf);
  const ownerAt = ({ slot }: SignedEntry): Owner | undefined =>
    slot === undefined ? undefined : (owners[slot] ?? "package");
  const isPackages = (entry: SignedEntry) => ownerAt(entry) === "package";
  const files = [...tree].filter(
    ([, { kind, slot }]) => kind !== "folder" || owners[slot ?? -1] !== undefined,
  );
  const filled = new Set(
    files.flatMap(([path, entry]) => (isPackages(entry) ? [path, ...foldersAbove(path)] : [])),
  );
  const rootsIn = rootsFinder(tree);
  const own = (owner: Owner) => slots.filter(({ index, selfRef }) => !selfRef && owners[index] === owner);
  const targets = (owner: Owner) =>
    own(owner).flatMap(({ target }) => (target === "" ? [] : [posix.normalize(target)]));

  // The strongest last.
  const free = new Map<string, boolean>([["", false]]);
  const set = (paths: readonly string[], isFree: boolean) => {
    for (const path of paths) free.set(path, isFree);
  };
  const isApart = (path: string) => !filled.has(path);
  set(workenv.directories.map(({ path }) => posix.normalize(path)).filter(isApart), true);
  const reserved = new Set(["bin", ...targets("package")]);
  const isBelowOurs = (path: string) =>
    [path, ...foldersAbove(path)].some((folder) => filled.has(folder) || reserved.has(folder));
  const inherited = [...(originals?.roots ?? []), ...Object.keys(originals?.taken ?? {})];
  set(
    inherited.filter((path) => !isBelowOurs(path)),
    true,
  );
  set(["bin"], false);
  set([...own("application").flatMap(rootsIn).filter(isApart), ...targets("application")], true);
  set(targets("package"), false);
  set(
    own("user").flatMap((slot) =>
      isArchive(slot.operations) ? rootsIn(slot) : [posix.normalize(slot.target)],
    ),
    true,
  );
  set(
    files.flatMap(([path, entry]) => (isPackages(entry) || entry.kind === "folder" ? [] : [path])),
    true,
  );

  const isUsers = (path: string) => {
    const entry = tree.get(path);
    return entry !== undefined && ownerAt(entry) === "user";
  };
  const above = (paths: readonly string[]) => new Set(paths.flatMap(foldersAbove));
  const freeAbove = above([...free].flatMap(([path, isFree]) => (isFree ? [path] : [])));
  const packagesAbove = above([
    ...[...free].flatMap(([path, isFree]) => (isFree ? [] : [path])),
    ...[...tree].flatMap(([path, entry]) => (isPackages(entry) ? [path] : [])),
  ]);
  return {
    isPackages,
    isFree(path) {
      const deepest = [path, ...foldersAbove(path), ""].find((place) => free.has(place)) ?? "";
      // What `carryInto` lays beside a file of the user's.
      return free.get(deepest) === true || isUsers(path.replace(/\.(new|kept)(\.\d+)?$/, ""));
    },
    hasPackagesBelow: (path) => packagesAbove.has(path),
    hasFreeBelow: (path) => freeAbove.has(path),
  };
}

/** Finds the folders of a slot in which everything that is added belongs to whom the slot does. */
function rootsFinder(tree: SignedTree): (slot: SlotEntry) => readonly string[] {
  const owners = new Map([...tree].flatMap(([path, { slot }]) => (slot === undefined ? [] : [[path, slot]])));
  return (slot) => rootsOf(slot, { owners });
}

/** The nearest first; without the root. */
function foldersAbove(path: string): readonly string[] {
  const folders: string[] = [];
  for (let folder = posix.dirname(path); folder !== "."; folder = posix.dirname(folder)) folders.push(folder);
  return folders;
}
