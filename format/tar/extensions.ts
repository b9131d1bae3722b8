import { PspfError } from "../errors.ts";
import type { Bytes } from "../types.ts";
import { decodeText } from "./fields.ts";
import type { RawHeader } from "./header.ts";
import { type PaxRecords, parsePax } from "./pax.ts";
import type { EntrySink, TarHeader } from "./tar-entry.ts";

/** Headers that are not entries, but describe the entries after them. */
export interface Extensions {
  /** A sink for the body if the header is such a one, else undefined. */
  take(header: RawHeader): EntrySink | undefined;
  /** An entry's header with everything that was said in front of it; what was said for it alone is used up. */
  apply(header: RawHeader, offset: number): TarHeader;
}

const MAX_EXTENSION = 1024 * 1024;

const KINDS: Readonly<Record<string, TarHeader["kind"]>> = {
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "5": "directory",
  "7": "file", // contiguous
};

/** Nearly all entries have no records of their own. */
const NOTHING: PaxRecords = {};

/** Type flags 3, 4, 6: devices and fifos, of which a size would be as ambiguous as that of a directory. */
const BODILESS = /^[123456]$/;

/** Collects pax headers (x, X, g) and GNU's long names (L, K). Each body is at most `limit` bytes. */
export function extensions(limit = MAX_EXTENSION): Extensions {
  let global: PaxRecords = NOTHING;
  let local: PaxRecords = NOTHING;
  let longName: string | undefined;
  let longLink: string | undefined;

  const uses: Readonly<Record<string, (body: Bytes) => void>> = {
    g: (body) => {
      global = { ...global, ...parsePax(body) };
    },
    x: (body) => {
      local = parsePax(body);
    },
    X: (body) => {
      local = parsePax(body);
    },
    L: (body) => {
      longName = decodeText(body, 0, body.length);
    },
    K: (body) => {
      longLink = decodeText(body, 0, body.length);
    },
  };

  return {
    take(header) {
      const use = uses[header.type];
      if (use === undefined) return undefined;
      if (header.size > limit)
        throw invalid(`an extended header has ${header.size} bytes, ${limit} are allowed`);
      return collect(header.size, use);
    },
    apply(header, offset) {
      const pax = local === NOTHING ? global : { ...global, ...local };
      const entry = entryOf(
        {
          name: pax.path ?? longName ?? header.name,
          type: header.type,
          mode: header.mode,
          size: pax.size ?? header.size,
          mtime: pax.mtime ?? header.mtime,
          linkName: pax.linkpath ?? longLink ?? header.linkName,
        },
        offset,
      );
      local = NOTHING;
      longName = undefined;
      longLink = undefined;
      return entry;
    },
  };
}

function entryOf({ type, name, mode, size, mtime, linkName }: RawHeader, offset: number): TarHeader {
  // before there was a type for directories, a slash at the end of the name said so
  const kind = type === "0" && name.endsWith("/") ? "directory" : (KINDS[type] ?? "other");
  if (name === "") throw invalid("an entry has no name");
  if (type === "S") throw invalid(`${JSON.stringify(name)} is a sparse file, these are not supported`);
  if (size > 0 && (kind === "directory" || BODILESS.test(type)))
    // programs disagree whether a body follows; a wrong guess would read contents as headers
    throw invalid(`${JSON.stringify(name)} has a size, but entries of its type have no body`);
  const isLink = kind === "symlink" || kind === "hardlink";
  return { name, kind, mode: mode & 0o7777, size, mtime, linkName: isLink ? linkName : "", offset };
}

function collect(size: number, use: (body: Bytes) => void): EntrySink {
  const body = new Uint8Array(size);
  let filled = 0;
  return {
    write(piece) {
      body.set(piece, filled);
      filled += piece.length;
    },
    close: () => use(body),
  };
}

const invalid = (state: string) => new PspfError("archive-invalid", `Cannot read the archive: ${state}`);
