import { PspfError } from "../errors.ts";
import type { Bytes } from "../types.ts";
import { extensions } from "./extensions.ts";
import { BLOCK, parseHeader } from "./header.ts";
import { shortLived } from "../short-lived.ts";
import { plainHeader } from "./plain-header.ts";
import type { EntrySink, TarHeader, TarLimits, TarVisitor } from "./tar-entry.ts";
import { isZero } from "../wire/zeros.ts";

/** Takes an archive in pieces of any size and tells a visitor what is in it. Holds at most one header. */
export interface TarParser {
  /** Throws `archive-invalid` as soon as the bytes cannot be a tar archive. */
  push(piece: Bytes): void;
  /** Throws `archive-invalid` if the archive is not complete. */
  end(): void;
  /** How many bytes belong to entries that the visitor was told of, or to the end: the next entry begins behind them. */
  settled(): number;
}

/** GNU tar pads archives to records, of 10 KiB by default and 1 MiB at most in practice. */
const MAX_PADDING = 1024 * 1024;
/** Most entries of one archive, unless the limits say otherwise. */
export const MAX_ENTRIES = 4_000_000;

/** A synchronous parser: while it is given a piece, it calls the visitor and the visitor's sinks. */
export function tarParser(visitor: TarVisitor, limits: TarLimits = {}): TarParser {
  const maxEntries = limits.maxEntries ?? MAX_ENTRIES;
  const extension = extensions(limits.maxExtension);
  const partial = new Uint8Array(BLOCK);
  let held = 0; // bytes in `partial`
  let offset = 0; // of the next byte in the archive
  let start: number | undefined; // where the entry began whose headers are being read
  let body = 0; // bytes to come of the current body
  let padding = 0; // bytes to come of its last block
  let sink: EntrySink | undefined;
  let entries = 0;
  let zeros = 0; // blocks of zeros; two are the end
  let trailing = 0; // bytes after the end

  /** Reads the header at `at` of a piece, which has the offset `place` in the archive. */
  function header(piece: Bytes, at: number, place: number): void {
    if (start === undefined && zeros === 0 && extension.isIdle()) {
      const plain = plainHeader(piece, at, place);
      if (plain !== undefined) return begin(plain);
    }
    const raw = parseHeader(piece.subarray(at, at + BLOCK));
    if (raw === undefined) {
      if (start !== undefined) throw invalid("an extended header has no entry");
      zeros++;
      return;
    }
    if (zeros > 0) throw invalid("an entry follows a block of zeros");
    if (raw.type === "g" && limits.ending === "open") throw invalid("a part speaks for all that follow");
    start ??= place;
    const extended = extension.take(raw);
    if (extended !== undefined) return expect(raw.size, extended);
    const entry = extension.apply(raw, start);
    start = undefined;
    begin(entry);
  }

  function begin(entry: TarHeader): void {
    if (++entries > maxEntries) throw invalid(`it has more than ${maxEntries} entries`);
    expect(entry.size, visitor.entry(entry));
  }

  /** Goes on with a body, which is for `taker`. */
  function expect(size: number, taker: EntrySink | undefined): void {
    body = size;
    padding = (BLOCK - (size % BLOCK)) % BLOCK;
    sink = taker;
    if (size === 0) taker?.close();
  }

  /** Uses up some of the piece from `at`; the number of bytes used. */
  function step(piece: Bytes, at: number): number {
    const left = piece.length - at;
    if (body > 0) {
      const count = Math.min(left, body);
      body -= count;
      sink?.write(piece.subarray(at, at + count));
      if (body === 0) sink?.close();
      return count;
    }
    if (padding > 0) {
      const count = Math.min(left, padding);
      padding -= count;
      return count;
    }
    if (zeros === 2) {
      trailing += left;
      if (trailing > MAX_PADDING || !isZero(piece.subarray(at))) throw invalid("something follows its end");
      return left;
    }
    if (held === 0 && left >= BLOCK) {
      header(piece, at, offset);
      return BLOCK;
    }
    const count = Math.min(left, BLOCK - held);
    partial.set(piece.subarray(at, at + count), held);
    held += count;
    if (held === BLOCK) {
      held = 0;
      header(partial, 0, offset + count - BLOCK);
    }
    return count;
  }

  shortLived({ header, begin, expect, step });
  return {
    push(piece) {
      for (let at = 0; at < piece.length;) {
        const used = step(piece, at);
        at += used;
        offset += used;
      }
    },
    end() {
      const between = held === 0 && body === 0 && padding === 0 && start === undefined;
      if (limits.ending === "open" ? between && zeros === 0 : zeros === 2) return;
      throw new PspfError("archive-invalid", `Cannot read the archive: it breaks off after ${offset} bytes`, {
        hint: "the file may be incomplete",
      });
    },
    settled: () => start ?? offset - held,
  };
}

const invalid = (state: string) => new PspfError("archive-invalid", `Cannot read the archive: ${state}`);
