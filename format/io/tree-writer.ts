import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { basename, dirname, relative, sep } from "node:path";
import type { Bytes, ByteStream, SafePath } from "../types.ts";
import { doing, errnoOf, ioError } from "./fs.ts";
import { foldsNames, hostPathRules, type PathRules } from "./paths.ts";
import { clash, notOfArchive, sameName, throughLink, treeNames } from "./tree-names.ts";

export interface TreeWriterOptions {
  /**
   * "others": writers of ours make folders below the same root at the same time, and who started them compares afterwards
   * how all names were spelled. "nobody", the default, looks at the spelling of every folder that it finds.
   */
  readonly company?: "nobody" | "others";
  readonly rules?: PathRules;
  /** Most files, folders and links, those counted twice that are written twice; a million by default. */
  readonly maxNodes?: number;
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
  /** The real mode comes with `finish`, so that read-only directories can be filled. */
  directory(path: string, mode: number): void;
  openFile(path: string, mode: number, mtime: number): FileSink;
  file(path: string, mode: number, mtime: number, body: ByteStream): Promise<number>;
  symlink(path: string, target: string): void;
  /** A copy of a file that this writer wrote: a real link would share later changes. */
  hardLinkAsCopy(path: string, existing: string): void;
  /** The directories that shall get a mode, by their paths below the root, for another writer to `finish`. */
  folders(): readonly (readonly [path: string, mode: number])[];
  /** Gives directories their modes. Must be called once, after the last entry. */
  finish(): void;
  /** Closes the file that was being written when something failed. */
  [Symbol.dispose](): void;
}

/** For directories until `finish`, and for files until they are complete. */
const PRIVATE_DIRECTORY = 0o700;
const PRIVATE_FILE = 0o600;
/** For directories that no entry describes. */
const IMPLIED_DIRECTORY = 0o755;

/** A writer for the directory `root`, which is made if need be and whose own mode stays as it is. */
export function openTreeWriter(root: string, options: TreeWriterOptions = {}): TreeWriter {
  const rules = options.rules ?? hostPathRules;
  const hasModes = process.platform !== "win32";
  doing("create", root, () => mkdirSync(root, { recursive: true, mode: PRIVATE_DIRECTORY }));
  const names = treeNames(root, rules, options.maxNodes);
  const { base, inside } = names;
  // Directories that are known to be real ones, with the modes they shall get, if any. We never remove or replace
  // one, so what lies below needs no second look at them.
  const directories = new Map<string, number | undefined>([[base, undefined]]);
  // The files that we wrote, with their times: only these may be copied.
  const files = new Map<string, number>();
  let open: number | undefined;

  function ensureDirectory(path: string): void {
    if (directories.has(path)) return;
    ensureDirectory(dirname(path));
    names.claim(path);
    let mode: number | undefined = IMPLIED_DIRECTORY;
    try {
      mkdirSync(path, PRIVATE_DIRECTORY);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw ioError("create", path, error);
      mode = adopt(path);
    }
    directories.set(path, mode);
  }

  /** Makes sure of a directory that was there before us; the mode to give back to it, if it had to change. */
  function adopt(path: string): number | undefined {
    const stat = doing("look at", path, () => lstatSync(path));
    if (stat.isSymbolicLink()) throw throughLink(path);
    if (!stat.isDirectory()) throw clash(path, "a file is where a folder was expected");
    if (options.company !== "others") refuseOtherSpelling(path);
    const mode = stat.mode & 0o777;
    if (!hasModes || (mode & PRIVATE_DIRECTORY) === PRIVATE_DIRECTORY) return undefined;
    doing("change the mode of", path, () => chmodSync(path, mode | PRIVATE_DIRECTORY));
    return mode;
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
    ensureDirectory(dirname(target));
    names.claim(target);
    return target;
  }

  /** Does what creates `path` exclusively; if something else was there, it goes first. */
  function replacing<T>(deed: string, path: SafePath, create: () => T): T {
    return doing(deed, path, () => {
      try {
        return create();
      } catch (error) {
        if (errnoOf(error) !== "EEXIST") throw error;
      }
      if (lstatSync(path).isDirectory()) throw clash(path, "a folder is where another entry was expected");
      if (!files.has(path)) refuseOtherSpelling(path);
      unlinkSync(path);
      files.delete(path);
      return create();
    });
  }

  const writer: TreeWriter = {
    directory(path, mode) {
      const target = inside(path);
      if (target === base) return;
      ensureDirectory(target);
      directories.set(target, mode & 0o777 || PRIVATE_DIRECTORY);
    },
    openFile(path, mode, mtime) {
      const target = place(path);
      const fd = replacing("create", target, () => openSync(target, "wx", PRIVATE_FILE));
      const finalMode = mode & 0o777 || PRIVATE_FILE;
      open = fd;
      let written = 0;
      return {
        write(piece) {
          for (let at = 0; at < piece.length;)
            at += doing("write", target, () => writeSync(fd, piece, at, piece.length - at));
          written += piece.length;
        },
        close() {
          doing("complete", target, () => {
            // not the mode of open(): that would be subject to the umask
            if (hasModes) fchmodSync(fd, finalMode);
            if (mtime !== 0) futimesSync(fd, mtime, mtime);
            open = undefined;
            closeSync(fd);
          });
          files.set(target, mtime);
          names.wrote(written);
          return written;
        },
      };
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
      if (mtime !== 0) doing("complete", target, () => utimesSync(target, mtime, mtime));
      files.set(target, mtime);
    },
    folders: () =>
      [...directories].flatMap(([path, mode]) =>
        mode === undefined ? [] : [[relative(base, path).replaceAll(sep, "/"), mode] as const],
      ),
    finish() {
      if (!hasModes) return;
      // a path is longer than its parent's: the deepest come first, while their parents can still be entered
      for (const [path, mode] of [...directories].sort(([a], [b]) => b.length - a.length))
        if (mode !== undefined) doing("change the mode of", path, () => chmodSync(path, mode));
    },
    [Symbol.dispose]() {
      if (open !== undefined) closeSync(open);
      open = undefined;
    },
  };
  return writer;
}
