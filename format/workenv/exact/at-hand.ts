import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../../io/fs.ts";
import type { Bytes, Sha256 } from "../../types.ts";
import { knownAt } from "../user-files/user-files.ts";

/** What lies in the place of something signed. */
export type Found = "same" | "changed" | "missing";

/** A file of a workenv that is being compared, piece by piece. */
export interface FileAtHand {
  compare(piece: Bytes): void;
  /** Closes it; what it was found to be. */
  end(): Found;
}

const CHUNK = 256 * 1024;
/** One for all: each comparison ends before the next one begins. */
const buffer = new Uint8Array(CHUNK);

/** Neither a link nor a pipe that somebody put there may be followed or wait; Windows has neither. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const HAS_MODES = process.platform !== "win32";

/** Opens what lies at a path to compare it with bytes and permission bits. Never throws: what cannot be read differs. */
export function openAtHand(content: string, path: string, mode: number): FileAtHand {
  let fd: number;
  try {
    fd = openSync(join(content, path), FLAGS);
  } catch (error) {
    const found = errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR" ? "missing" : "changed";
    return { compare() {}, end: () => found };
  }
  let isSame = true;
  let at = 0;
  let isOpen = true;
  return {
    compare(piece) {
      if (isSame) isSame = holdsAt(fd, at, piece);
      at += piece.length;
    },
    end() {
      if (!isOpen) return "changed";
      isOpen = false;
      const stats = fstatSync(fd);
      closeSync(fd);
      const hasMode = !HAS_MODES || (stats.mode & 0o7777) === mode;
      return isSame && hasMode && stats.isFile() && stats.size === at ? "same" : "changed";
    },
  };
}

function holdsAt(fd: number, from: number, piece: Bytes): boolean {
  try {
    for (let done = 0; done < piece.length;) {
      const count = readSync(fd, buffer, 0, Math.min(CHUNK, piece.length - done), from + done);
      if (count === 0 || Buffer.compare(buffer.subarray(0, count), piece.subarray(done, done + count)) !== 0)
        return false;
      done += count;
    }
    return true;
  } catch {
    return false; // the disk fails, or it is a folder
  }
}

export function stateOfLink(content: string, path: string, target: string): Found {
  try {
    return readlinkSync(join(content, path)) === target ? "same" : "changed";
  } catch (error) {
    return errnoOf(error) === "EINVAL" ? "changed" : "missing";
  }
}

/**
 * What lies in the place of a copy of a file of the same archive, which was compared before: where that one is not as it
 * was signed, nothing says that the copy is.
 */
export function stateOfCopy(
  content: string,
  path: string,
  existing: string,
  original: { readonly mode: number; readonly found: Found },
): Found {
  const copy = openAtHand(content, path, original.mode);
  if (original.found === "same") feed(join(content, existing), copy);
  const found = copy.end();
  return found === "same" && original.found !== "same" ? "changed" : found;
}

function feed(path: string, copy: FileAtHand): void {
  const fd = openSync(path, FLAGS);
  try {
    const piece = new Uint8Array(CHUNK);
    for (let read = readSync(fd, piece); read > 0; read = readSync(fd, piece))
      copy.compare(piece.subarray(0, read));
  } finally {
    closeSync(fd);
  }
}

/** What lies in the place of a file whose SHA-256 is known. */
export function stateByDigest(
  content: string,
  path: string,
  signed: { readonly mode: number; readonly digest: Sha256 },
): Found {
  try {
    const known = knownAt(join(content, path));
    if (known === undefined) return "missing";
    return known.id === signed.digest && (!HAS_MODES || known.mode === signed.mode) ? "same" : "changed";
  } catch {
    return "changed"; // it cannot be read
  }
}
