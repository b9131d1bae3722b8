import { chmodSync, lstatSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmdirSync } from "node:fs";
import { isAbsolute, dirname, join, relative, resolve, sep } from "node:path";
import { isArchive } from "../format/codecs/chain.ts";
import { PspfError } from "../format/errors.ts";
import { currentFolder, doing } from "../format/io/fs.ts";
import { removeTree } from "../format/io/remove-tree.ts";
import { openReplacement, replaceFile } from "../format/io/replacement.ts";
import { type Package, readSlot, type Slot } from "../format/reader.ts";
import { faultOfLinkTarget } from "../format/tar/link-target.ts";
import { fileTarget } from "../format/workenv/unpacking/extract-slot.ts";
import { unpackTogether } from "../format/workenv/unpacking/unpack-together.ts";
import { withScratch } from "./launchers/scratch.ts";

export interface ExtractOptions {
  /**
   * A file at the output goes away when the new one is complete; otherwise that is `output-exists`. A folder that
   * holds anything always is: nothing here removes what it has not made itself.
   */
  readonly replace?: boolean;
  /** Told of the bytes that were written: content, or what is stored. */
  readonly onBytes?: ((count: number) => void) | undefined;
  /** Starts a thread that runs `runUnpackWorker`; absent where threads are of no use. */
  readonly startThread?: (() => Worker) | undefined;
}

/** The slot with that index, or else with that id. Throws `slot-not-found` and names those that there are. */
export function findSlot({ slots }: Pick<Package, "slots">, name: string): Slot {
  const byIndex = /^\d+$/.test(name) ? slots[Number(name)] : undefined;
  const byId = slots.filter(({ entry }) => entry.id === name);
  const found = byIndex ?? byId[0];
  if (found !== undefined && (byIndex !== undefined || byId.length === 1)) return found;
  const state = found === undefined ? "there is no such slot" : "several slots have this id, use an index";
  throw new PspfError("slot-not-found", `Cannot extract slot ${JSON.stringify(name)}: ${state}`, {
    hint:
      slots.length === 0
        ? "the package has no slots"
        : `the slots are ${slots.map(({ entry }) => `${entry.index} (${entry.id})`).join(", ")}`,
  });
}

/**
 * Writes what a slot holds to `output`: a folder for an archive, else a file. It appears there whole or not at all;
 * bytes that are not the signed ones never do.
 */
export async function extractContent(
  pkg: Package,
  slot: Slot,
  output: string,
  options: ExtractOptions = {},
): Promise<void> {
  refuseSelf(slot);
  const isFolder = isArchive(slot.entry.operations);
  checkFree(output, isFolder ? "folder" : "file", options);
  await withFolderBeside(output, async (path, aborted) => {
    publish(await unpackInto(pkg, slot, join(path, "slot"), { ...options, aborted }), output);
  });
}

/** Writes a slot's bytes as they are stored to the file `output`, whole or not at all. */
export async function extractStored(
  pkg: Package,
  slot: Slot,
  output: string,
  options: ExtractOptions = {},
): Promise<void> {
  refuseSelf(slot);
  checkFree(output, "file", options);
  doing("create the folder of", output, () => mkdirSync(dirname(resolve(output)), { recursive: true }));
  using file = openReplacement(output, 0o644);
  const stored = readSlot(pkg.source, slot);
  for await (const piece of stored.bytes) {
    file.write(piece);
    options.onBytes?.(piece.length);
    // nothing here waits for anything: without a turn of the event loop no signal would be heard
    await new Promise((resume) => setImmediate(resume));
  }
  stored.check();
  file.commit();
}

/** One thing in the folder that `extractAll` made. */
export interface Extracted {
  /** Relative to that folder. */
  readonly name: string;
  readonly slot: Slot;
}

/**
 * Writes every slot's content below the folder `output`, as `NN_id`, and the signed JSON beside them as
 * `metadata.json`, byte for byte. All of it appears or nothing. A slot that is the package itself has no content.
 */
export async function extractAll(
  pkg: Package,
  output: string,
  options: Pick<ExtractOptions, "onBytes" | "startThread"> = {},
): Promise<readonly Extracted[]> {
  checkFree(output, "folder", {});
  const named = pkg.slots.filter(({ entry }) => !entry.selfRef).map((slot) => ({ name: nameOf(slot), slot }));
  await withFolderBeside(output, async (path, aborted) => {
    const all = join(path, "all");
    mkdirSync(all, { mode: 0o755 });
    for (const { name, slot } of named)
      publish(await unpackInto(pkg, slot, join(path, name), { ...options, aborted }), join(all, name));
    replaceFile(join(all, "metadata.json"), pkg.json, 0o644);
    publish(all, output);
  });
  return named;
}

/** Works in a folder on the output's disk that is gone afterwards, read-only folders in it included. */
const withFolderBeside = (
  output: string,
  work: (path: string, aborted: AbortSignal) => Promise<void>,
): Promise<void> =>
  withScratch(dirname(resolve(output)), async ({ path, aborted }) => {
    try {
      await work(path, aborted);
    } finally {
      for (const name of readdirSync(path)) removeTree(join(path, name));
    }
  });

/** An id may hold anything, slashes included; the number in front keeps names apart. */
const nameOf = ({ entry }: Slot): string =>
  `${String(entry.index).padStart(2, "0")}_${entry.id.replace(/[^\w.-]/g, "_").slice(0, 100)}`;

function refuseSelf({ entry }: Slot): void {
  if (!entry.selfRef) return;
  throw new PspfError(
    "slot-not-found",
    `Cannot extract slot ${entry.index} (${entry.id}): it is the package itself and holds nothing`,
  );
}

/**
 * Unpacks a slot below `root` as a launcher would, and returns what of it is the slot's own: its target, or all of
 * `root` where the archive has more than that, or links that would lead elsewhere once the target is moved.
 */
async function unpackInto(
  pkg: Package,
  slot: Slot,
  root: string,
  {
    onBytes,
    startThread,
    aborted,
  }: Pick<ExtractOptions, "onBytes" | "startThread"> & { readonly aborted: AbortSignal },
): Promise<string> {
  // Without the folders that the package asks for: they are no slot's.
  const workenv = { ...pkg.metadata.workenv, directories: [] };
  const crew = startThread && { start: startThread, tell: () => {}, aborted };
  await unpackTogether({ ...pkg, metadata: { ...pkg.metadata, workenv } }, [slot], root, crew, onBytes);
  if (!isArchive(slot.entry.operations)) return join(root, fileTarget(slot));
  const own = join(root, slot.entry.target);
  if (slot.entry.target === "" || !isOnlyThing(own, root) || hasClimbingLink(own)) {
    chmodSync(root, 0o755);
    return root;
  }
  return own;
}

/** Whether `root` holds the folder `path`, the folders that lead to it, and nothing else. */
function isOnlyThing(path: string, root: string): boolean {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return false;
  let at = root;
  for (const part of relative(root, path).split(sep)) {
    const names = readdirSync(at);
    if (names.length !== 1 || names[0] !== part) return false;
    at = join(at, part);
  }
  return true;
}

const hasClimbingLink = (root: string): boolean =>
  linksBelow(root).some((path) => {
    const name = relative(root, path).replaceAll(sep, "/");
    return faultOfLinkTarget(name, readlinkSync(path)) !== undefined;
  });

/** Step by step, because the recursive `readdir` of Bun 1.4.5 follows links, in circles too. */
const linksBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink()) return [path];
    return entry.isDirectory() ? linksBelow(path) : [];
  });

type Form = "file" | "folder";

function checkFree(output: string, form: Form, { replace = false }: ExtractOptions): void {
  // Bun 1.4.5 resolves from the folder of the executable when the current one was removed.
  if (!isAbsolute(output)) currentFolder();
  const stat = lstatSync(output, { throwIfNoEntry: false });
  if (stat === undefined) return;
  const there: Form = stat.isDirectory() ? "folder" : "file";
  if (there === "folder" && holdsUs(output)) throw refused(output, "the current folder lies in it");
  if (there === "folder" && form === "file") throw refused(output, "it is a folder");
  if (there === "folder") checkEmpty(output);
  if (there === "file" && form === "folder") throw refused(output, "it is a file, a folder is to be written");
  if (!(stat.isDirectory() || stat.isFile() || stat.isSymbolicLink()))
    throw refused(output, "it is no regular file");
  if (there === "file" && !replace)
    throw new PspfError("output-exists", `Cannot write ${output}: it exists`, {
      hint: "--force replaces it, or choose another name",
    });
}

function checkEmpty(folder: string): void {
  if (readdirSync(folder).length > 0) throw refused(folder, "the folder is not empty");
}

const refused = (output: string, state: string) =>
  new PspfError("output-exists", `Cannot write ${output}: ${state}`, { hint: "name a new file or folder" });

/** An empty folder may make room, but not under somebody who stands in it. */
function holdsUs(folder: string): boolean {
  const path = resolve(folder);
  const here = currentFolder();
  return here === path || here.startsWith(path.endsWith(sep) ? path : path + sep);
}

/** Moves something complete to its place, which is free, a file that may go, or an empty folder. */
function publish(complete: string, output: string): void {
  const target = resolve(output);
  doing("write", output, () => {
    if (lstatSync(target, { throwIfNoEntry: false })?.isDirectory()) {
      checkEmpty(target);
      rmdirSync(target); // fails for a folder that something has come into meanwhile
    }
    move(complete, target);
  });
}

/** Renames. A folder changes its parent only when it is writable itself. */
function move(from: string, to: string): void {
  const stat = lstatSync(from);
  const isLocked = stat.isDirectory() && (stat.mode & 0o200) === 0;
  if (isLocked) chmodSync(from, stat.mode | 0o700);
  renameSync(from, to);
  if (isLocked) chmodSync(to, stat.mode & 0o7777);
}
