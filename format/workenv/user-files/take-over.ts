import { chmodSync } from "node:fs";
import { statOf } from "../../cache/cleaning/measure.ts";
import type { WorkenvLayout } from "../../cache/layout.ts";
import { doing } from "../../io/fs.ts";
import { renamePatiently } from "../../io/patient-rename.ts";
import { recordOf } from "../../json-object.ts";
import { syncFile } from "../../io/durable.ts";
import { resolveInside } from "../../io/paths.ts";
import { isArchive } from "../../codecs/chain.ts";
import type { Package } from "../../reader.ts";
import type { SlotEntry } from "../../wire/metadata-types.ts";
import { toHex } from "../../wire/hashes.ts";
import { type CarriedOver, carryInto, type UsersFiles, usersFilesOf } from "./carry-over.ts";
import { nameBeside } from "./carry-plan.ts";
import {
  dropStoredFiles,
  isUnsettled,
  noteSettled,
  noteUnsettled,
  storedFiles,
  storeFiles,
} from "./carried-store.ts";
import { findSource, type Source } from "./earlier.ts";
import type { EnsureRequest } from "../ensure.ts";
import { readMarker } from "../entry.ts";
import { isPersistent, lifecycleOf } from "../lifecycles/lifecycle.ts";
import { hasOriginals, type Known, newOriginals, type Originals, writeOriginals } from "./originals.ts";
import { isThere, moveAside, placeCopy } from "./place-file.ts";
import { isWithin } from "../lifecycles/slot-files.ts";
import type { Unpacked } from "../unpacking/unpacked.ts";
import { filesBelow, knownAt } from "./user-files.ts";

/** The user's part of a workenv that is being made. */
export interface TakeOver extends Disposable {
  /** The user has no part in it: nothing will be done. */
  readonly isNothing: boolean;
  /** To be called before the old content goes: keeps it for good if something of the user's in it would go with it. */
  rescue(): void;
  /**
   * To be called when setting up has failed: the user's files are as they were, for the user to look at and to change, and
   * what is changed from now on is the user's.
   */
  giveBack(): void;
  /** Sees to it that what setup commands wrote lies beside the user's files, and notes what the package gave. */
  settle(): void;
  /** Paths that are the user's now, wherever they lie. */
  readonly places: () => ReadonlySet<string>;
  /** To be called when the workenv counts. */
  done(): void;
}

const NOTHING: TakeOver = {
  isNothing: true,
  rescue() {},
  giveBack() {},
  settle() {},
  places: () => new Set(),
  done() {},
  [Symbol.dispose]() {},
};

/**
 * Brings what the user has changed in earlier workenvs of a package into the tree that is to be the next one. The
 * caller has the workenv for itself and has not removed its old content yet.
 */
export async function takeOver(
  pkg: Package,
  request: EnsureRequest,
  unpacked: Unpacked,
  root: string,
): Promise<TakeOver> {
  const { layout } = request;
  const slots = pkg.metadata.slots;
  const own = slots.filter(({ lifecycle, selfRef }) => !selfRef && lifecycleOf(lifecycle).changes === "user");
  const isOwn = (slot: number | undefined) => own.some(({ index }) => index === slot);
  const fresh = new Map<string, Known>();
  for (const [path, slot] of own.length === 0 ? [] : unpacked.owners) {
    const known = isOwn(slot) ? knownAt(resolveInside(root, path)) : undefined;
    if (known !== undefined) fresh.set(path, { id: known.id, mode: known.mode });
  }
  const isOthers = (path: string) => unpacked.owners.has(path) && !isOwn(unpacked.owners.get(path));
  const othersBelow = (roots: readonly string[]) => {
    if (roots.length === 0) return [];
    const isBelow = (path: string) => roots.some((folder) => isWithin(path, folder));
    const files = [...unpacked.owners.keys()].filter(
      (path) => isOthers(path) && isBelow(path) && !isFolder(resolveInside(root, path)),
    );
    const apart = slots.filter(
      ({ index, target }) => !isOwn(index) && roots.some((at) => target !== at && isWithin(target, at)),
    );
    return [...files, ...apart.map(({ target }) => target)];
  };
  const ownRoots = [...new Set(own.flatMap((slot) => rootsOf(slot, unpacked)))];
  const given = newOriginals({
    name: pkg.metadata.package.name,
    signer: toHex(pkg.index.raw.publicKey),
    isPersistent: own.some(({ lifecycle }) => isPersistent(lifecycle)),
    roots: ownRoots,
    others: othersBelow(ownRoots),
    files: recordOf(fresh),
    beside: {},
    from: [],
    taken: {},
  });
  const source = await sourceOf(pkg, request, given);
  if (own.length === 0 && source === undefined) return NOTHING;
  const left = new Set<string>();
  const warn = (path: string) => {
    if (source?.is === "the same") left.add(path);
    else request.onNotCarried?.(path);
  };
  let carried: CarriedOver = { files: [], beside: {}, removed: new Set(), taken: {} };
  if (source !== undefined) {
    const users = await safeFilesOf(source, layout, warn);
    carried = carryInto({ root, files: fresh, isOthers }, source, users, warn);
    globalThis.failPoint?.("users-files-carried");
  }
  const roots = [...new Set([...ownRoots, ...(source?.originals.roots ?? [])])];
  const others = othersBelow(roots);
  let places: ReadonlySet<string> = new Set();
  const isSame = source?.is === "the same";
  const settle = () => {
    const found = settleFiles(layout.content, fresh, carried, { roots, others });
    places = new Set([...Object.keys(found.files), ...carried.files.map(({ path }) => path)]);
    // What lay at the place of a slot that is gone goes along from here, too.
    const isKnown = (path: string) => fresh.has(path) || roots.some((root) => isWithin(path, root));
    const strays = carried.files.flatMap(({ path }) => (isKnown(path) ? [] : [path]));
    const kept = { roots: [...roots, ...strays], others };
    writeOriginals(layout, { ...given, ...kept, ...found, ...inheritance(source, carried) });
    noteSettled(layout);
  };
  return {
    isNothing: false,
    rescue() {
      const kept = left.size === 0 ? undefined : keepContent(layout.content);
      for (const path of left) request.onNotCarried?.(kept === undefined ? path : `${kept}/${path}`);
      if (isSame) noteUnsettled(layout);
    },
    giveBack() {
      // Whoever was interrupted has removed it, and of another version's there are the originals.
      if (!isSame || !isFolder(layout.content)) return;
      try {
        settle();
        if (left.size === 0) dropStoredFiles(layout);
      } catch {
        // They are still stored.
      }
    },
    settle,
    places: () => places,
    done() {
      // Unlike the rest, what a user has written cannot be unpacked again after a power cut.
      const isOnDisk = readMarker(layout)?.durable === true;
      for (const { path, id } of isOnDisk ? [] : carried.files)
        if (!id.startsWith("link:")) syncFile(resolveInside(layout.content, path));
      // What could not be copied may lie nowhere else.
      if (left.size === 0) dropStoredFiles(layout);
    },
    [Symbol.dispose]: () => source?.lease?.[Symbol.dispose](),
  };
}

/** An earlier version that cannot be looked at must not keep this one from starting; its files stay where they are. */
async function sourceOf(pkg: Package, request: EnsureRequest, given: Originals): Promise<Source | undefined> {
  try {
    return await findSource(pkg, request, given);
  } catch (error) {
    if (hasOriginals(request.layout)) throw error;
    request.onNotCarried?.("the files");
    return undefined;
  }
}

/** The user's files of a source, at places that stay until the new workenv counts. */
async function safeFilesOf(
  source: Source,
  layout: WorkenvLayout,
  onUnreadable: (path: string) => void,
): Promise<UsersFiles> {
  const present = new Map(usersFilesOf(source, onUnreadable));
  if (source.is === "an earlier one") return present;
  const isEdited = (path: string) => source.originals.files[path]?.id !== present.get(path)?.id;
  // What an attempt that was killed had saved counts where its content has nothing of the user's.
  const edited = new Map([...present].filter(([path]) => isEdited(path)));
  const saved = new Map([...storedFiles(layout)]);
  const isUnclear = readMarker(layout) === undefined && isUnsettled(layout);
  for (const [path, found] of edited) {
    const former = saved.get(path);
    // An empty one is what a power cut makes of a copy.
    if (former !== undefined && (found.size === 0 || found.id === former.id)) continue;
    if (!isUnclear) saved.set(path, found);
    else {
      // A setup command that was killed may have written it, or the user since.
      saved.set(
        nameBeside(path, "kept", (name) => saved.has(name) || present.has(name)),
        found,
      );
      present.delete(path);
    }
  }
  return new Map([...present, ...(await storeFiles(layout, saved))]);
}

/** Folders of a slot in which everything that is added is the user's. */
export function rootsOf(
  { index, target, operations }: SlotEntry,
  { owners }: Pick<Unpacked, "owners">,
): readonly string[] {
  if (!isArchive(operations)) return [];
  const paths = [...owners].flatMap(([path, slot]) => (slot === index && path !== "." ? [path] : []));
  if (target !== "" && (paths.length === 0 || paths.some((path) => isWithin(path, target)))) return [target];
  return [...new Set(paths.filter((path) => path.includes("/")).map((path) => path.split("/")[0] as string))];
}

const isFolder = (path: string): boolean => statOf(path)?.isDirectory() === true;

/** Gives content a name that no launcher looks for and no cleaning takes; which. */
function keepContent(content: string): string | undefined {
  if (!isFolder(content)) return undefined;
  const kept = nameBeside(content, "kept", (name) => statOf(name) !== undefined);
  doing("keep", content, () => {
    // A folder that is not writable cannot get another parent.
    chmodSync(content, 0o700);
    renamePatiently(content, kept);
  });
  return kept;
}

/** After the setup commands: the user's files are back in their places, and all others are what the package gave. */
function settleFiles(
  content: string,
  fresh: ReadonlyMap<string, Known>,
  carried: CarriedOver,
  within: Pick<Originals, "roots" | "others">,
): Pick<Originals, "files" | "beside"> {
  const files = recordOf<Known>();
  const beside = recordOf(Object.entries(carried.beside));
  const at = (path: string) => knownAt(resolveInside(content, path));
  const users = new Set(carried.files.map(({ path }) => path));
  for (const [path, known] of fresh) {
    files[path] = known;
    const now = users.has(path) || carried.removed.has(path) ? undefined : at(path);
    // What a setup command made of it is the package's, too; a mode may be the user's.
    if (now !== undefined && now.id !== known.id) files[path] = { id: now.id, mode: now.mode };
  }
  for (const [path, name] of Object.entries(carried.beside)) {
    const known = fresh.get(path);
    if (known !== undefined) files[name] = known;
  }
  for (const { path, id, source } of carried.files) {
    const now = at(path);
    if (now?.id === id) continue;
    if (isThere(content, path)) {
      const name = nameBeside(path, "new", (other) => users.has(other) || isThere(content, other));
      moveAside(content, path, name);
      if (now !== undefined) {
        files[path] = files[name] = { id: now.id, mode: now.mode };
        beside[path] = name;
      }
    }
    placeCopy(source, content, path);
  }
  for (const root of within.roots)
    for (const path of filesBelow(content, root, within.others, () => {})) {
      const known = path in files || users.has(path) ? undefined : at(path);
      if (known !== undefined) files[path] = { id: known.id, mode: known.mode };
    }
  return { files, beside };
}

/** What the new workenv has taken over, now and by way of the earlier ones. */
function inheritance(source: Source | undefined, { taken }: CarriedOver): Pick<Originals, "from" | "taken"> {
  if (source === undefined) return { from: [], taken: {} };
  const { from, taken: before } = source.originals;
  if (source.is === "the same") return { from, taken: before };
  const all = recordOf(Object.entries(before));
  for (const [path, ids] of Object.entries(taken)) all[path] = [...new Set([...(all[path] ?? []), ...ids])];
  return { from: [...new Set([...from, source.id])], taken: all };
}
