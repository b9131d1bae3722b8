import type { Bytes } from "../types.ts";
import { shortLived } from "../short-lived.ts";
import type { TreeEntry } from "./tree-entry.ts";

/** What a header says of an entry, in the words of the archive. */
export interface HeaderFacts extends Pick<TreeEntry, "kind"> {
  /** Path in the archive; that of a folder ends with "/". */
  readonly name: string;
  /** Permission bits, 0777 at most. */
  readonly mode: number;
  readonly size: number;
  /** Whole seconds since 1970. */
  readonly mtime: number;
  /** Target of a symlink; "" for the other kinds. */
  readonly linkName: string;
}

const NAME_SIZE = 100;
const PREFIX_SIZE = 155;
/** The field has 11 octal digits. */
const MAX_SIZE = 8 ** 11 - 1;
/** Wide enough in the header, but 32-bit readers are common; later times go into an extended header. */
const MAX_TIME = 2 ** 31 - 1;
const TYPES = { file: 0x30, symlink: 0x32, directory: 0x35 } as const;
const ZERO = 0x30;
const BLANK = 0x20;

/**
 * Writes one ustar header (POSIX.1-1988) into a block of 512 bytes, the same that tar-stream writes; false, and nothing is
 * written, for an entry that needs more: names that are long or not ASCII, 8 GiB, times beyond 32 bits.
 */
export function encodeHeader(facts: HeaderFacts, block: Bytes): boolean {
  const placed = placedIn(facts);
  if (placed === undefined) return false;
  const { kind, linkName, mode, size, mtime } = facts;
  block.fill(0);
  block[156] = TYPES[kind];
  // The checksum is the sum of all bytes, where it counts as blanks itself; most of them are zero.
  const sum =
    8 * BLANK +
    TYPES[kind] +
    text(placed.name, block, 0) +
    octal(mode, 6, block, 100) +
    octal(0, 6, block, 108) +
    octal(0, 6, block, 116) +
    octal(size, 11, block, 124) +
    octal(mtime, 11, block, 136) +
    text(linkName, block, 157) +
    text("ustar", block, 257) +
    text("00", block, 263) +
    octal(0, 6, block, 329) +
    octal(0, 6, block, 337) +
    text(placed.prefix, block, 345);
  octal(sum, 6, block, 148);
  return true;
}

/** Whether `encodeHeader` can write it. */
export const fitsHeader = (facts: HeaderFacts): boolean => placedIn(facts) !== undefined;

function placedIn({ name, linkName, size, mtime }: HeaderFacts): Placed | undefined {
  const isFit = fits(linkName, NAME_SIZE) && size <= MAX_SIZE && mtime >= 0 && mtime <= MAX_TIME;
  return isFit ? split(name) : undefined;
}

interface Placed {
  readonly name: string;
  readonly prefix: string;
}

/** Moves folders from the front of a name into the prefix until the rest fits. */
function split(path: string): Placed | undefined {
  if (path.length <= NAME_SIZE) return NOT_ASCII.test(path) ? undefined : { name: path, prefix: "" };
  let cut = 0;
  while (path.length - cut > NAME_SIZE) {
    const slash = path.indexOf("/", cut);
    if (slash === -1) return undefined;
    cut = slash + 1;
  }
  const name = path.slice(cut);
  const prefix = path.slice(0, Math.max(0, cut - 1));
  return fits(name, NAME_SIZE) && fits(prefix, PREFIX_SIZE) ? { name, prefix } : undefined;
}

const NOT_ASCII = /[^\0-\x7f]/;
const fits = (value: string, size: number): boolean => value.length <= size && !NOT_ASCII.test(value);

/** ASCII. The sum of what was written. */
function text(value: string, block: Bytes, at: number): number {
  let sum = 0;
  for (let i = 0; i < value.length; i++) sum += block[at + i] = value.charCodeAt(i);
  return sum;
}

/** Digits, then a blank. The sum of what was written. */
function octal(value: number, digits: number, block: Bytes, at: number): number {
  let sum = BLANK;
  let rest = value;
  for (let i = digits - 1; i >= 0; i--) {
    sum += block[at + i] = ZERO + (rest % 8);
    rest = Math.floor(rest / 8);
  }
  block[at + digits] = BLANK;
  return sum;
}

shortLived({ encodeHeader, fitsHeader, placedIn, split, fits, text, octal });
