import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  utimesSync,
} from "node:fs";
import { basename, dirname, sep } from "node:path";
import { shortLived } from "../short-lived.ts";
import type { Bytes, ByteStream, SafePath } from "../types.ts";
import { doing, errnoOf, ioError } from "./fs.ts";
import { NewFile, timeOf } from "./new-file.ts";
import { foldsNames, hostPathRules, type PathRules } from "./paths.ts";
import { clash, notOfArchive, sameName, throughLink, treeNames } from "./tree-names.ts";

export interface TreeWriterOptions {
  /**
   * "others": writers of ours make folders below the same root at the same time, and who started them compares afterwards
   * how all names were spelled. "nobody", the default, looks at the spelling of every folder that it finds.
   */
  readonly company?: "nobody" | "others";
  /** "refused": nothing is replaced. Else the later of two entries with one path wins. */
  readonly doubles?: "refused";
  readonly rules?: PathRules;
  /** Most files, folders and links, those counted twice that are written twice; a million by default. */
  readonly maxNodes?: number;
  /**
   * Told of each file and link when it is complete, and of each folder that an entry describes: its path below the root,
   * and its size in bytes, time of modification in milliseconds and st_mode as `lstat` gives them. Of a folder only path
   * and mode mean something, and the mode is the one that it will have.
   */
  readonly onMade?: (path: string, size: number, mtimeMs: number, mode: number) => void;
}

/** A file that is being written. */
export interface FileSink {
  write(piece: Bytes): void;
  /** Gives the file its mode and time. The number of bytes written. */
  close(): number;
}

/**
 * Writes below one directory and nowhere else. Paths are untrusted, relative, with forward slashes; modes are
 * permission bits, of which set-user-id, set-group-id and sticky are dropped; times are seconds since 1970, and 0, which
 * reproducible archives have in place of a time, leaves a file the time of its writing. Where two
 * entries have the same path the later wins, unless just one of them is a directory (`archive-invalid`). Throws
 * `path-escapes` for everything that leads or could lead outside.
 */
export interface TreeWriter extends Disposable {
  /** A mode that keeps us from filling it, or lets others do so, comes with `finish`. */
  directory(path: string, mode: number): void;
  openFile(path: string, mode: number, mtime: number): FileSink;
  file(path: string, mode: number, mtime: number, body: ByteStream): Promise<number>;
  symlink(path: string, target: string): void;
  /** A copy of a file that this writer wrote: a real link would share later changes. */
  hardLinkAsCopy(path: string, existing: string): void;
  /** Gives all directories their modes. Must be called once, after the last entry. */
  finish(): void;
  /** Closes the file that was being written when something failed. */
  [Symbol.dispose](): void;
}

/** A writer that others may help. */
export interface TreeOnDisk extends TreeWriter {
  openFile(path: string, mode: number, mtime: number): NewFile;
  /** Makes sure of a directory around what somebody else writes. Throws as `directory` does. */
  folder(path: string): void;
  /** The directories that were made though no entry described them, by their paths below the root. */
  impliedFolders(): readonly (readonly [path: string, mode: number])[];
  /** The directories that were there when they were needed: somebody else has made them. */
  foundFolders(): readonly string[];
  /** Whether a directory gets this mode with `finish` only: others could not fill it, or could disturb us. */
  waits(mode: number): boolean;
  /** Gives directories their modes, but for those that have to wait. */
  settle(): void;
}

/** What a directory must allow its owner until `finish`, so that it can be filled. */
const PRIVATE_DIRECTORY = 0o700;
/** For files of which their entry says nothing. */
const PRIVATE_FILE = 0o600;
/** For directories that no entry describes. */
const IMPLIED_DIRECTORY = 0o755;

/** What st_mode says of a directory. */
export const S_IFDIR = 0o040000;

/** The modes that a directory has and is to have. */
interface Directory {
  now: number;
  wanted: number;
  /** We made it, and no entry has described it. */
  isImplied: boolean;
  readonly isFound: boolean;
}

/** `dirname` of a path that is in its shortest form. */
const folderOf = (path: string): string => path.slice(0, path.lastIndexOf(sep)) || dirname(path);

/** A writer for the directory `root`, which is made if need be and whose own mode stays as it is. */
export function openTreeWriter(root: string, options: TreeWriterOptions = {}): TreeOnDisk {
  const rules = options.rules ?? hostPathRules;
  const hasModes = process.platform !== "win32";
  doing("create", root, () => mkdirSync(root, { recursive: true, mode: PRIVATE_DIRECTORY }));
  const names = treeNames(root, rules, options.maxNodes);
  const { base, inside } = names;
  // Directories that are known to be real ones. We never remove or replace one, so what lies below needs no second
  // look at them.
  const directories = new Map<string, Directory>([
    [base, { now: 0, wanted: 0, isImplied: false, isFound: false }],
  ]);
  // The files that we wrote, with their times: only these may be copied.
  const files = new Map<string, number>();
  // What a new directory gets of a mode: the umask takes some of it, or the folder around it gives others.
  const granted = new Map<number, number>();
  let open: number | undefined;
  // Below a root that only its owner may enter, no mode lets anybody in.
  const isPrivate = (lstatSync(base).mode & 0o077) === 0;

  /** The mode of a directory that is being filled: nobody else may write into it, we may. */
  const earlyMode = (wanted: number): number =>
    isPrivate || (wanted & 0o022) === 0 ? wanted | PRIVATE_DIRECTORY : PRIVATE_DIRECTORY;

  /** A path as entries have it. */
  const relativeOf = (path: string): string => {
    const below = path.slice(base.endsWith(sep) ? base.length : base.length + 1);
    return sep === "/" ? below : below.replaceAll(sep, "/");
  };

  /** `wanted` is absent for a directory that no entry describes. */
  function ensureDirectory(path: string, wanted?: number): Directory {
    const known = directories.get(path);
    if (known !== undefined) return known;
    ensureDirectory(folderOf(path));
    names.claim(path);
    let directory: Directory;
    try {
      directory = makeDirectory(path, wanted);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw ioError("create", path, error);
      directory = adopt(path);
    }
    directories.set(path, directory);
    return directory;
  }

  function makeDirectory(path: string, wanted?: number): Directory {
    const asked = earlyMode(wanted ?? IMPLIED_DIRECTORY);
    mkdirSync(path, asked);
    const given = granted.get(asked) ?? lstatSync(path).mode & 0o777;
    granted.set(asked, given);
    const isUsable = !hasModes || (given & PRIVATE_DIRECTORY) === PRIVATE_DIRECTORY;
    if (!isUsable) chmodSync(path, asked);
    return {
      now: isUsable ? given : asked,
      wanted: wanted ?? IMPLIED_DIRECTORY,
      isImplied: wanted === undefined,
      isFound: false,
    };
  }

  /** Makes sure of a directory that was there before us; it gets its mode back if that has to change. */
  function adopt(path: string): Directory {
    const stat = doing("look at", path, () => lstatSync(path));
    if (stat.isSymbolicLink()) throw throughLink(path);
    if (!stat.isDirectory()) throw clash(path, "a file is where a folder was expected");
    if (options.company !== "others") refuseOtherSpelling(path);
    const wanted = stat.mode & 0o777;
    const now = hasModes ? wanted | PRIVATE_DIRECTORY : wanted;
    if (now !== wanted) doing("change the mode of", path, () => chmodSync(path, now));
    return { now, wanted, isImplied: false, isFound: true };
  }

  /** Gives directories the modes that they have not yet, if these are among those that are asked for. */
  function giveModes(isDue: (wanted: number) => boolean): void {
    if (!hasModes) return;
    const due = [...directories].filter(([, { now, wanted }]) => now !== wanted && isDue(wanted));
    // a path is longer than its parent's: the deepest come first, while their parents can still be entered
    for (const [path, directory] of due.sort(([a], [b]) => b.length - a.length)) {
      doing("change the mode of", path, () => chmodSync(path, directory.wanted));
      directory.now = directory.wanted;
    }
  }

  /** What is there, but not by our hand, may be there by another name: then the disk takes two names for one. */
  function refuseOtherSpelling(path: string): void {
    const spelled = (name: string) => (foldsNames(rules) ? name.normalize("NFC") : name);
    const there = doing("list", dirname(path), () => readdirSync(dirname(path)));
    if (!there.some((name) => spelled(name) === spelled(basename(path)))) throw sameName(path, "another");
  }

  /** The place for something that is not a directory; its parents exist. */
  function place(path: string): SafePath {
    const target = inside(path);
    if (directories.has(target)) throw clash(target, "a folder is where another entry was expected");
    ensureDirectory(folderOf(target));
    names.claim(target);
    return target;
  }

  /** Does what creates `path` exclusively; if something else was there, it goes first. */
  function replacing<T>(deed: string, path: SafePath, create: () => T): T {
    try {
      return create();
    } catch (error) {
      if (errnoOf(error) !== "EEXIST" || options.doubles === "refused") throw ioError(deed, path, error);
    }
    return doing(deed, path, () => {
      if (lstatSync(path).isDirectory()) throw clash(path, "a folder is where another entry was expected");
      if (!files.has(path)) refuseOtherSpelling(path);
      unlinkSync(path);
      files.delete(path);
      return create();
    });
  }

  const tell = (target: string, { size, mtimeMs, mode }: Stats): void =>
    options.onMade?.(relativeOf(target), size, mtimeMs, mode);

  function completed({ path, written, facts }: NewFile, stats: Stats): void {
    open = undefined;
    files.set(path, facts.mtime);
    names.wrote(written);
    tell(path, stats);
  }

  const writer: TreeOnDisk = {
    directory(path, mode) {
      const target = inside(path);
      if (target === base) return;
      const wanted = mode & 0o777 || PRIVATE_DIRECTORY;
      const directory = ensureDirectory(target, wanted);
      directory.wanted = wanted;
      directory.isImplied = false;
      options.onMade?.(relativeOf(target), 0, 0, S_IFDIR | wanted);
    },
    folder: (path) => void ensureDirectory(inside(path)),
    openFile(path, mode, mtime) {
      const target = place(path);
      const wanted = mode & 0o777 || PRIVATE_FILE;
      const fd = replacing("create", target, () => openSync(target, "wx", wanted));
      open = fd;
      return new NewFile(target, fd, { mode: wanted, mtime }, completed);
    },
    async file(path, mode, mtime, body) {
      const sink = writer.openFile(path, mode, mtime);
      for await (const piece of body) sink.write(piece);
      return sink.close();
    },
    symlink(path, target) {
      names.checkLink(path, target);
      const link = place(path);
      replacing("link", link, () => symlinkSync(target, link));
      if (options.onMade !== undefined) tell(link, lstatSync(link));
    },
    hardLinkAsCopy(path, existing) {
      const source = inside(existing);
      const mtime = files.get(source);
      if (mtime === undefined) throw notOfArchive(path, existing);
      const target = place(path);
      if (target === source) return;
      names.copies(target, doing("look at", source, () => lstatSync(source)).size);
      replacing("copy", target, () => copyFileSync(source, target, constants.COPYFILE_EXCL));
      // a copy has the mode of the original, but its own time
      if (mtime !== 0) doing("complete", target, () => utimesSync(target, timeOf(mtime), timeOf(mtime)));
      files.set(target, mtime);
      if (options.onMade !== undefined) tell(target, lstatSync(target));
    },
    impliedFolders: () =>
      [...directories].flatMap(([path, { wanted, isImplied }]) =>
        isImplied ? [[relativeOf(path), wanted] as const] : [],
      ),
    foundFolders: () =>
      [...directories].flatMap(([path, { isFound }]) => (isFound ? [relativeOf(path)] : [])),
    waits: (mode) => (mode & 0o777) !== earlyMode(mode & 0o777),
    settle: () => giveModes((wanted) => wanted === earlyMode(wanted)),
    finish: () => giveModes(() => true),
    [Symbol.dispose]() {
      if (open !== undefined) closeSync(open);
      open = undefined;
    },
  };
  shortLived({ ensureDirectory, makeDirectory, place, replacing, completed, tell, relativeOf });
  return shortLived(writer);
}
