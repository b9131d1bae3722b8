import { constants } from "node:fs";
import { shortLived } from "../short-lived.ts";
import { byLibc } from "./by-libc.ts";
import { dlopen, pointerTo } from "./libc.ts";
import { millisecondsIn, modeIn, STATX, STATX_SIZE, TOO_LONG } from "./statx.ts";

/** What lstat(2) says of something in a folder, under the names and in the units of `node:fs`. */
export interface LinkStats {
  readonly mode: number;
  readonly size: number;
  readonly ino: number;
  readonly dev: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

/** Something in a folder. */
export interface Found {
  readonly name: string;
  readonly stats: LinkStats;
}

/**
 * What is in a folder, in no order: what is wanted by its name, and how it looks. Undefined where the C library of Linux
 * cannot be called, or refuses any of it, and where a name is not UTF-8: `node:fs` is to be asked then, so that errors are
 * its own. For 17 000 names it takes 15 ms more, a quarter of the time, since it walks the whole path of each and
 * makes an object of everything that there is to know.
 */
export const listQuickly = (
  folder: string,
  isWanted: (name: string) => boolean,
): readonly Found[] | undefined => quick()?.(folder, isWanted);

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | 0o2000000; // O_CLOEXEC
const NOFOLLOW = 0x100;
/** STATX_BASIC_STATS */
const FACTS = 0x7ff;

/** Bytes of names that are taken at once. */
const AT_ONCE = 32 * 1024;
// Where the fields of a `struct linux_dirent64` lie.
const LENGTH = 16;
const NAME = 19;
const DOT = 0x2e;

const functionsOf = (name: string) =>
  dlopen(name, {
    open: { args: ["ptr", "i32"], returns: "i32" },
    getdents64: { args: ["i32", "ptr", "u64"], returns: "i32" },
    statx: { args: ["i32", "ptr", "i32", "i32", "ptr"], returns: "i32" },
    close: { args: ["i32"], returns: "i32" },
  }).symbols;

const quick = byLibc((library) => folderLister(functionsOf(library)));

const { latin1Slice } = Buffer.prototype as unknown as {
  latin1Slice(this: Uint8Array, from: number, to: number): string;
};

function folderLister({ open, getdents64, statx, close }: ReturnType<typeof functionsOf>) {
  // One memory for all, which stays where it is: addresses of it are handed over.
  const memory = new ArrayBuffer(STATX_SIZE + AT_ONCE + TOO_LONG + 1);
  const facts = new Uint32Array(memory, 0, STATX_SIZE / 4);
  const names = new Uint8Array(memory, STATX_SIZE, AT_ONCE);
  const path = new Uint8Array(memory, STATX_SIZE + AT_ONCE);
  const [factsAt, namesAt, pathAt] = [pointerTo(facts), pointerTo(names), pointerTo(path)];
  const encoder = new TextEncoder();
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  function statsOf(fd: number, at: number): LinkStats {
    if (statx(fd, (namesAt + at) as never, NOFOLLOW, FACTS, factsAt as never) !== 0)
      throw new Error("it is gone");
    return {
      mode: modeIn(facts),
      size: wideIn(facts, STATX.size),
      ino: wideIn(facts, STATX.ino),
      dev: deviceIn(facts),
      mtimeMs: millisecondsIn(facts, STATX.modified),
      ctimeMs: millisecondsIn(facts, STATX.changed),
    };
  }

  /** The name that begins at `at` and ends with a zero. Throws when it is not UTF-8. */
  function nameAt(at: number): string {
    let end = at;
    let seen = 0;
    for (let byte = names[end] as number; byte !== 0; byte = names[++end] as number) seen |= byte;
    return seen < 0x80 ? latin1Slice.call(names, at, end) : utf8.decode(names.subarray(at, end));
  }

  const isDots = (at: number): boolean =>
    names[at] === DOT && (names[at + 1] === 0 || (names[at + 1] === DOT && names[at + 2] === 0));

  function list(fd: number, isWanted: (name: string) => boolean): Found[] {
    const found: Found[] = [];
    for (;;) {
      const size = getdents64(fd, namesAt as never, AT_ONCE);
      if (size < 0) throw new Error("it cannot be listed");
      if (size === 0) return found;
      for (let at = 0; at < size;) {
        if (!isDots(at + NAME)) {
          const name = nameAt(at + NAME);
          if (isWanted(name)) found.push({ name, stats: statsOf(fd, at + NAME) });
        }
        at += (names[at + LENGTH] as number) + (names[at + LENGTH + 1] as number) * 256;
      }
    }
  }

  shortLived({ statsOf, nameAt, isDots, list });
  return (folder: string, isWanted: (name: string) => boolean): readonly Found[] | undefined => {
    if (folder.includes("\0")) return undefined;
    path[encoder.encodeInto(folder, path.subarray(0, TOO_LONG)).written] = 0;
    const fd = open(pathAt as never, FOLDER);
    if (fd < 0) return undefined;
    try {
      return list(fd, isWanted);
    } catch {
      return undefined;
    } finally {
      close(fd);
    }
  };
}

/** A number of 8 bytes, as near as a double has it. */
const wideIn = (facts: Uint32Array, at: number): number =>
  (facts[at] as number) + (facts[at + 1] as number) * 2 ** 32;

/** A device by its two numbers, as `makedev` of the C library puts them together. */
function deviceIn(facts: Uint32Array): number {
  const major = facts[STATX.device] as number;
  const minor = facts[STATX.device + 1] as number;
  const low = (minor & 0xff) + (major & 0xfff) * 2 ** 8;
  return low + Math.floor(minor / 2 ** 8) * 2 ** 20 + Math.floor(major / 2 ** 12) * 2 ** 44;
}

shortLived({ wideIn, deviceIn });
