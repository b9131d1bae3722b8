import type { Bytes, ByteStream } from "../types.ts";
import type { EntryFacts } from "./tar-entry.ts";

/** A stretch of an archive that begins where an entry begins. All parts together are the archive. */
export type ArchivePart =
  | {
      readonly kind: "whole";
      readonly bytes: Bytes;
      /** The archive ends behind it. */
      readonly isLast: boolean;
      /** What its headers say, by who wrote or read them. */
      readonly entries?: readonly EntryFacts[] | undefined;
      /** To be called when `bytes` are not needed any more: their memory is used again. */
      readonly done?: () => void;
    }
  /** One large entry; its pieces are to be read to the end before the next part is asked for. */
  | {
      readonly kind: "stream";
      readonly pieces: ByteStream;
      /** Bytes of its body, where that is known. */
      readonly size?: number;
    };

export interface CutSizes {
  /** A part ends with the first entry that brings it to so many bytes. */
  readonly part: number;
  /** An entry with a larger body is a part of its own; not less than `part`. */
  readonly long: number;
  /** An entry with a larger body is never held in memory whole; not less than `long`. */
  readonly held: number;
}

const MIB = 1024 * 1024;

/** Parts of at most 13 MiB where no single entry is larger. */
export const CUT_SIZES: CutSizes = { part: 4 * MIB, long: 8 * MIB, held: 32 * MIB };
