import { PspfError } from "../errors.ts";
import type { Bytes } from "../types.ts";
import { decodeText, parseNumber } from "./fields.ts";
import { isZero } from "../wire/zeros.ts";

/** Tar is a sequence of blocks of this size. */
export const BLOCK = 512;
/** An archive ends with two blocks of zeros. */
export const END_SIZE = 2 * BLOCK;

/** The fields of one header block, as written: extension headers are not applied yet. */
export interface RawHeader {
  readonly name: string;
  readonly mode: number;
  /** Bytes of the body; a multiple of 512 follows, zero-padded. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** The type flag as one character; "0" also for the NUL of tar's first decade. */
  readonly type: string;
  readonly linkName: string;
}

// Where each field lies: POSIX.1-1988 "ustar" (pax(1)), which old and GNU headers share up to offset 345.
const NAME = { at: 0, size: 100 };
const MODE = { at: 100, size: 8 };
const SIZE = { at: 124, size: 12 };
const MTIME = { at: 136, size: 12 };
const CHECKSUM = { at: 148, size: 8 };
const TYPE = 156;
const LINK_NAME = { at: 157, size: 100 };
const MAGIC = 257;
const PREFIX = { at: 345, size: 155 };

/**
 * One header block to its fields; undefined for a block of zeros. Reads old, ustar and GNU headers. Throws
 * `archive-invalid` if the checksum, a number or the encoding of a name is wrong.
 */
export function parseHeader(block: Bytes): RawHeader | undefined {
  if (block[0] === 0 && isZero(block)) return undefined;
  checkChecksum(block);
  const size = parseNumber(block, SIZE.at, SIZE.size, "size");
  if (size < 0)
    throw new PspfError("archive-invalid", `Cannot read the archive: an entry has the size ${size}`);
  const flag = block[TYPE] as number;
  const name = decodeText(block, NAME.at, NAME.size);
  const prefix = isPosix(block) ? decodeText(block, PREFIX.at, PREFIX.size) : "";
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    mode: parseNumber(block, MODE.at, MODE.size, "mode"),
    size,
    mtime: parseNumber(block, MTIME.at, MTIME.size, "mtime"),
    type: flag === 0 ? "0" : String.fromCharCode(flag),
    linkName: decodeText(block, LINK_NAME.at, LINK_NAME.size),
  };
}

/** "ustar" and NUL: only then is there a prefix. GNU writes a blank there and other things into the prefix. */
export const isPosix = (piece: Bytes, at = 0): boolean =>
  piece[at + MAGIC] === 0x75 &&
  piece[at + MAGIC + 1] === 0x73 &&
  piece[at + MAGIC + 2] === 0x74 &&
  piece[at + MAGIC + 3] === 0x61 &&
  piece[at + MAGIC + 4] === 0x72 &&
  piece[at + MAGIC + 5] === 0;

/** The sum of all bytes, its own field taken as blanks. Some old programs summed signed bytes. */
function checkChecksum(block: Bytes): void {
  const { at: start, size: length } = CHECKSUM;
  let sum = length * 0x20;
  let high = 0;
  for (let i = 0; i < BLOCK; i++) {
    if (i === start) i += length;
    const byte = block[i] as number;
    sum += byte;
    if (byte >= 0x80) high++;
  }
  const wanted = parseNumber(block, CHECKSUM.at, CHECKSUM.size, "checksum");
  if (wanted === sum || wanted === sum - 256 * high) return;
  throw new PspfError(
    "archive-invalid",
    `Cannot read the archive: a header has the checksum ${sum}, not ${wanted}`,
    {
      hint: "the data is damaged, or it is not a tar archive",
    },
  );
}
