import type { Bytes } from "../types.ts";
import { BLOCK } from "./header.ts";
import type { EntryFacts } from "./tar-entry.ts";

/**
 * A stretch of an archive, which begins where an entry begins, or within a long one: then at no multiple of a block, so
 * that the place says it. All parts together are the archive.
 */
export interface ArchivePart {
  readonly bytes: Bytes;
  /** What the headers in it say, by who wrote or read them. */
  readonly entries?: readonly EntryFacts[] | undefined;
  /** To be called when `bytes` are not needed any more: their memory is used again. */
  readonly done?: () => void;
}

export interface CutSizes {
  /** A part ends with the first entry that brings it to so many bytes; a multiple of a block. */
  readonly part: number;
  /** An entry with a larger body is cut itself, into parts of about `part` bytes; not less than that. */
  readonly long: number;
}

const MIB = 1024 * 1024;

/** Parts of at most 13 MiB. */
export const CUT_SIZES: CutSizes = { part: 4 * MIB, long: 8 * MIB };

/** Whether an entry may begin so many bytes behind the beginning of an archive. */
export const mayBegin = (offset: number): boolean => offset % BLOCK === 0;

/** Where a long entry is cut next, of which so many bytes are in parts already, its headers included. */
export const nextCut = (done: number, { part }: CutSizes): number =>
  done === 0 ? part + BLOCK / 2 : done + part;
