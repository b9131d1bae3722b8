import type { Bytes, ByteStream } from "../types.ts";
import { CUT_SIZES, type CutSizes, nextCut } from "./archive-part.ts";
import { tarParser } from "./tar-parser.ts";

/** Bytes of an archive, in order. */
export interface ArchivePiece {
  readonly bytes: Bytes;
  /** Present where a part begins: with entries, or as a piece of a long one. */
  readonly begins?: "entries" | "long entry";
}

/**
 * Cuts a tar archive into parts of at most 13 MiB. They begin where entries begin, so that each is an archive without an
 * end, but for the last, and for the pieces of long entries. Throws `archive-invalid` where the archive is damaged or
 * breaks off.
 */
export async function* cutArchive(
  archive: ByteStream,
  sizes: CutSizes = CUT_SIZES,
): AsyncGenerator<ArchivePiece, void, undefined> {
  const { part, long } = sizes;
  const cuts: { readonly at: number; readonly isLong: boolean }[] = [];
  let begun = 0; // where the current part began
  let isFirst = true;
  const parser = tarParser({
    entry({ offset, size }) {
      const large = size > long;
      if (!isFirst && !large && offset - begun < part) return undefined;
      cuts.push({ at: offset, isLong: large });
      isFirst = false;
      begun = offset;
      return undefined;
    },
  });
  // What may still belong to the next part, because its header has not come to an end.
  let held: Bytes = new Uint8Array();
  let from = 0; // offset of `held`
  let begins: ArchivePiece["begins"] = "entries";
  /** Where the part began that is given out, if it is a long entry, and where that is cut next. */
  let within: { readonly start: number; readonly cut: number } | undefined;
  function* give(end: number): Generator<ArchivePiece> {
    const bytes = held.subarray(0, end - from);
    if (bytes.length > 0) {
      yield begins === undefined ? { bytes } : { bytes, begins };
      begins = undefined;
    }
    held = held.subarray(end - from);
    from = end;
  }
  function* upTo(end: number): Generator<ArchivePiece> {
    while (within !== undefined && within.cut < end) {
      const { start, cut } = within;
      yield* give(cut);
      begins = "long entry";
      within = { start, cut: start + nextCut(cut - start, sizes) };
    }
    yield* give(end);
  }
  for await (const piece of archive) {
    parser.push(piece);
    held = held.length === 0 ? piece : joined(held, piece);
    for (const { at, isLong } of cuts.splice(0)) {
      yield* upTo(at);
      begins = isLong ? "long entry" : "entries";
      within = isLong ? { start: at, cut: at + nextCut(0, sizes) } : undefined;
    }
    yield* upTo(Math.max(from, parser.settled()));
  }
  parser.end();
  yield* upTo(from + held.length);
}

function joined(a: Bytes, b: Bytes): Bytes {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
