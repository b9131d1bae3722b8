import { resolve } from "node:path";
import { PspfError } from "../errors.ts";
import { faultOfLinkTarget } from "../tar/link-target.ts";
import { shortLived } from "../short-lived.ts";
import type { SafePath } from "../types.ts";
import { foldsNames, gateTo, type PathRules } from "./paths.ts";

/** Which names may become part of a tree. Paths are untrusted and relative on their way in, and absolute inside. */
export interface TreeNames {
  /** The root itself. */
  readonly base: string;
  /** An untrusted path below the root; `path-escapes` or `archive-invalid` when it cannot be one. */
  inside(path: string): SafePath;
  /** Throws `path-escapes` unless a link at `path` to `target` stays inside the tree, whatever else is in it. */
  checkLink(path: string, target: string): void;
  /**
   * To be called for everything that is made. Throws `archive-invalid` when that is too much, and where the rules fold
   * names, for the second spelling of a name.
   */
  claim(path: string): void;
  /** To be called with the size of every file when it is written. */
  wrote(size: number): void;
  /** To be called before a file of so many bytes is copied for a hard link; `archive-invalid` when that is too much. */
  copies(path: string, size: number): void;
}

/** PATH_MAX of Linux. */
const MAX_PATH = 4096;
/** Each entry of an archive may ask for so many folders around it. Also keeps the recursion over parents shallow. */
const MAX_DEPTH = 256;
/** Most files, folders and links of a tree. */
export const MAX_NODES = 1_000_000;
/** Hard links become copies: together so many bytes, and so many times what is written besides. */
const COPIED = 1024 * 1024 * 1024;
const COPIED_RATIO = 4;

export function treeNames(root: string, rules: PathRules, most: number = MAX_NODES): TreeNames {
  const base = resolve(root);
  const folds = foldsNames(rules);
  const inside = gateTo(base, rules);
  const spellings = new Map<string, string>();
  let made = 0;
  let written = 0;
  let copied = 0;
  return shortLived({
    base,
    inside(path) {
      if (path.length > MAX_PATH) throw tooLong(`${path.length} characters`, MAX_PATH);
      // Up to twice as many characters cannot be deeper.
      const depth = path.length < 2 * MAX_DEPTH ? 0 : path.split("/").length;
      if (depth > MAX_DEPTH) throw tooLong(`${depth} levels`, MAX_DEPTH);
      return inside(path);
    },
    checkLink(path, target) {
      const fault = faultOfLinkTarget(path, target, rules);
      if (fault === undefined) return;
      throw new PspfError(
        "path-escapes",
        `Cannot link ${JSON.stringify(path)} to ${JSON.stringify(target)}: ${fault}`,
      );
    },
    claim(path) {
      if (++made > most) throw clash(path, `it would be more than ${most} files and folders`);
      if (!folds) return;
      const key = foldedName(path);
      const known = spellings.get(key);
      if (known !== undefined && known !== path) throw sameName(path, known);
      spellings.set(key, path);
    },
    wrote(size) {
      written += size;
    },
    copies(path, size) {
      copied += size;
      const limit = COPIED + COPIED_RATIO * written;
      if (copied > limit) throw clash(path, `hard links would become more than ${limit} bytes`);
    },
  });
}

/**
 * What NTFS and APFS take for one name, near enough: letters differ in case only, or in how accents are put together.
 * Letter by letter, because no file system takes "ß" for "ss".
 */
function foldedName(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is ASCII
  if (/^[\u0000-\u007f]*$/.test(name)) return name.toUpperCase();
  const upper = Array.from(name.normalize("NFD"), (letter) => {
    const other = letter.toUpperCase();
    return other.length === letter.length ? other : letter;
  });
  return upper.join("").normalize("NFC");
}

const tooLong = (size: string, most: number) =>
  new PspfError("archive-invalid", `Cannot use a path of ${size}: at most ${most}`);

export const clash = (path: string, state: string): PspfError =>
  new PspfError("archive-invalid", `Cannot write ${path}: ${state}`);

/** What would go wherever a link leads. */
export const throughLink = (path: string): PspfError =>
  new PspfError("path-escapes", `Cannot write below ${path}: it is a symlink, a folder was expected`);

/** A hard link to anything but a file of the same archive. */
export const notOfArchive = (path: string, existing: string): PspfError =>
  new PspfError(
    "archive-invalid",
    `Cannot link ${JSON.stringify(path)} to ${JSON.stringify(existing)}: that is no file of the same archive`,
  );

/** Two names that a disk takes for one: who reads the one would get the other. */
export const sameName = (path: string, other: string): PspfError =>
  new PspfError("archive-invalid", `Cannot write ${path}: to this system ${other} is the same name`, {
    hint: "the author of the package has to rename one of them",
  });
