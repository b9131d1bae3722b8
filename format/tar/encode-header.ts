import type { Bytes } from "../types.ts";
import { BLOCK } from "./header.ts";
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
  if (!fitsHeader(facts)) return false;
  const { kind, linkName, mode, size, mtime } = facts;
  const placed = split(facts.name) as Placed;
  block.fill(0);
  text(placed.name, block, 0);
  octal(mode, 6, block, 100);
  octal(0, 6, block, 108);
  octal(0, 6, block, 116);
  octal(size, 11, block, 124);
  octal(mtime, 11, block, 136);
  block[156] = TYPES[kind];
  text(linkName, block, 157);
  text("ustar", block, 257);
  text("00", block, 263);
  octal(0, 6, block, 329);
  octal(0, 6, block, 337);
  text(placed.prefix, block, 345);
  let sum = 8 * BLANK;
  for (let i = 0; i < BLOCK; i++) sum += block[i] as number;
  octal(sum, 6, block, 148);
  return true;
}

/** Whether `encodeHeader` can write it. */
export const fitsHeader = ({ name, linkName, size, mtime }: HeaderFacts): boolean =>
  split(name) !== undefined &&
  fits(linkName, NAME_SIZE) &&
  size <= MAX_SIZE &&
  mtime >= 0 &&
  mtime <= MAX_TIME;

interface Placed {
  readonly name: string;
  readonly prefix: string;
}

/** Moves folders from the front of a name into the prefix until the rest fits. */
function split(path: string): Placed | undefined {
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

function text(value: string, block: Bytes, at: number): void {
  for (let i = 0; i < value.length; i++) block[at + i] = value.charCodeAt(i);
}

/** Digits, then a blank. */
function octal(value: number, digits: number, block: Bytes, at: number): void {
  let rest = value;
  for (let i = digits - 1; i >= 0; i--) {
    block[at + i] = ZERO + (rest % 8);
    rest = Math.floor(rest / 8);
  }
  block[at + digits] = BLANK;
}

shortLived({ encodeHeader, fitsHeader, split, fits, text, octal });
