import { PspfError } from "../errors.ts";
import type { Bytes } from "../types.ts";
import { decodeUtf8 } from "./fields.ts";

/** What an extended header says about the entry after it. All other records are read and forgotten. */
export interface PaxRecords {
  readonly path?: string | undefined;
  readonly linkpath?: string | undefined;
  readonly size?: number | undefined;
  /** Whole seconds since 1970, rounded down. */
  readonly mtime?: number | undefined;
}

type Draft = { -readonly [K in keyof PaxRecords]: PaxRecords[K] };

const NEWLINE = 0x0a;
const EQUALS = 0x3d;
const BLANK = 0x20;

/**
 * The records of a pax extended header, "<length> <key>=<value>\n" each (POSIX pax(1)). Throws `archive-invalid` for
 * anything else, and for sparse files, whose bodies are not their contents.
 */
export function parsePax(body: Bytes): PaxRecords {
  const records: Draft = {};
  for (let at = 0; at < body.length;) {
    const blank = body.indexOf(BLANK, at);
    const length = blank < 0 ? 0 : decimal(body.subarray(at, blank));
    const end = at + length;
    const equals = body.indexOf(EQUALS, blank);
    if (body[end - 1] !== NEWLINE || equals < 0 || equals >= end) throw invalid("a record is malformed");
    const key = decodeUtf8(body.subarray(blank + 1, equals));
    apply(records, key, body.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

function apply(records: Draft, key: string, value: Bytes): void {
  if (key.startsWith("GNU.sparse.")) throw invalid("sparse files are not supported");
  if (key !== "path" && key !== "linkpath" && key !== "size" && key !== "mtime") return;
  if (value.length === 0) {
    // takes back what was said before, in a global header too: hence present, but undefined
    records[key] = undefined;
  } else if (key === "path" || key === "linkpath") {
    if (value.includes(0)) throw invalid(`${key} contains a NUL`);
    records[key] = decodeUtf8(value);
  } else if (key === "size") {
    records.size = decimal(value);
  } else {
    const seconds = decodeUtf8(value);
    if (!/^-?\d{1,15}(\.\d*)?$/.test(seconds)) throw invalid("mtime is not a number");
    records.mtime = Math.floor(Number(seconds));
  }
}

function decimal(digits: Bytes): number {
  const text = decodeUtf8(digits);
  if (!/^\d{1,16}$/.test(text)) throw invalid("a number is malformed");
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw invalid("a number is past 2^53-1");
  return value;
}

const invalid = (state: string) =>
  new PspfError("archive-invalid", `Cannot read the archive: in an extended header, ${state}`);
