import { PspfError } from "../errors.ts";
import type { Bytes } from "../types.ts";

// A name that is not UTF-8 would change on its way to the disk, so it is refused; a BOM belongs to the name.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of a field, up to the first NUL or the end of the field. Throws `archive-invalid` unless UTF-8. */
export function decodeText(bytes: Bytes, at: number, length: number): string {
  let end = at;
  while (end < at + length && bytes[end] !== 0) end++;
  return end === at ? "" : decodeUtf8(bytes.subarray(at, end));
}

/** Bytes as UTF-8 text, exactly; throws `archive-invalid` otherwise. */
export function decodeUtf8(bytes: Bytes): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new PspfError("archive-invalid", "Cannot read the archive: it contains a name that is not UTF-8", {
      cause,
    });
  }
}

/**
 * A number of a header: octal digits between blanks and NULs, or GNU's big-endian two's complement, marked by the
 * first bit. Nothing counts as 0. Throws `archive-invalid` for other content and for numbers beyond ±(2^53-1).
 */
export function parseNumber(block: Bytes, at: number, length: number, field: string): number {
  const first = block[at] as number;
  return first >= 0x80 ? parseBinary(block, at, length, field) : parseOctal(block, at, length, field);
}

function parseOctal(block: Bytes, start: number, length: number, field: string): number {
  const end = start + length;
  let at = start;
  while (at < end && isBlank(block[at])) at++;
  let value = 0;
  // 12 digits are at most 2^36, so this cannot lose a bit
  for (; at < end && isOctal(block[at]); at++) value = value * 8 + ((block[at] as number) - 0x30);
  while (at < end && isBlank(block[at])) at++;
  if (at < end) throw invalid(field, "it is not octal");
  return value;
}

const isBlank = (byte: number | undefined) => byte === 0x20 || byte === 0;
const isOctal = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x37;

function parseBinary(block: Bytes, at: number, length: number, field: string): number {
  // the first bit marks the form, the second is the sign; a negative number is the complement of a positive one
  const negative = ((block[at] as number) & 0x40) !== 0;
  const flip = negative ? 0xff : 0;
  let value = ((block[at] as number) ^ flip) & 0x3f;
  for (let i = 1; i < length; i++) {
    value = value * 256 + ((block[at + i] as number) ^ flip);
    if (value >= Number.MAX_SAFE_INTEGER) throw invalid(field, "it is past 2^53-1");
  }
  return negative ? -1 - value : value;
}

const invalid = (field: string, state: string) =>
  new PspfError(
    "archive-invalid",
    `Cannot read the archive: the ${field} of a header cannot be used, ${state}`,
  );
