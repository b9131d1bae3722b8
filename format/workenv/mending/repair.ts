import { chmodSync, lstatSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import type { WorkenvLayout } from "../../cache/layout.ts";
import { openStaging } from "../../cache/staging.ts";
import { PspfError } from "../../errors.ts";
import { doing } from "../../io/fs.ts";
import { inFolder } from "../../io/in-folder.ts";
import type { Progress } from "../../progress/progress.ts";
import type { Package } from "../../reader.ts";
import { contentSizeOf } from "../../slot-limit.ts";
import { EXISTENCE_ONLY, factsOf, isDirectoryMode, isSymlinkMode } from "./file-facts.ts";
import { type IndexedFile, NO_SLOT } from "./stat-index.ts";
import { unpackSlots } from "../unpacking/unpack.ts";

/**
 * Puts files of a workenv back as the package has them, each by one rename, so that what an application has open stays
 * as it is; gives their new facts. Undefined, with nothing done, when a setup command made one of them. The caller
 * holds the lock for making. Throws what unpacking throws, and `io-failed` where something stands in the way.
 */
export async function repairFiles(
  pkg: Package,
  { cache, content }: WorkenvLayout,
  damaged: readonly IndexedFile[],
  progress?: Progress,
): Promise<readonly IndexedFile[] | undefined> {
  const [folders, files] = [damaged.filter(isFolder), damaged.filter((file) => !isFolder(file))];
  if (files.some(([, , , , slot]) => slot === NO_SLOT)) return undefined;
  using staging = await openStaging(cache, "remove");
  const sources = new Set(files.map(([, , , , slot]) => slot));
  const slots = pkg.slots.filter(({ entry }) => sources.has(entry.index));
  const only = new Set(files.map(([path]) => path));
  // Some may be links to files of the archive that are left out.
  const unpack = (which?: ReadonlySet<string>) => {
    progress?.begin("mending", () => contentSizeOf(slots));
    return unpackSlots(pkg, slots, staging.path, which, progress?.add);
  };
  await unpack(only).catch(() => unpack());
  progress?.end();
  for (const [path, , , mode] of folders) {
    ensureFolder(content, path);
    doing("change the mode of", path, () => chmodSync(join(content, path), mode & 0o777));
  }
  for (const [path, , , mode] of files) {
    ensureFolder(content, posix.dirname(path));
    putBack(join(staging.path, path), join(content, path), mode);
    globalThis.failPoint?.("file-put-back");
  }
  return damaged.map(([path, , time, , slot]): IndexedFile => {
    const facts = factsOf(path, lstatSync(join(content, path)));
    return time === EXISTENCE_ONLY ? [path, 0, EXISTENCE_ONLY, facts[3], slot] : [...facts, slot];
  });
}

const isFolder = ([, , , mode]: IndexedFile): boolean => isDirectoryMode(mode);

/** Makes a folder below the content and those above it, and follows no link on the way. */
function ensureFolder(content: string, path: string): void {
  if (path === ".") return;
  ensureFolder(content, posix.dirname(path));
  const folder = join(content, path);
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  if (stats === undefined) inFolder(dirname(folder), () => mkdirSync(folder, { mode: 0o755 }));
  else if (!stats.isDirectory())
    throw new PspfError("io-failed", `Cannot put back what was in ${folder}: it is no folder any more`);
}

function putBack(staged: string, path: string, mode: number): void {
  // a setup command may have given it another mode than the package
  if (!isSymlinkMode(mode)) doing("change the mode of", staged, () => chmodSync(staged, mode & 0o777));
  inFolder(dirname(path), () => doing("put back", path, () => renameSync(staged, path)));
}
