import type { ByteSource } from "../format/io/byte-source.ts";
import type { Bytes, Span } from "../format/types.ts";

/** So much is noted, and read again, at a time: it stays in the second cache of most processors. */
const PIECE = 256 * 1024;

/** What was written to a file, by a fingerprint of each piece: it can be read again, and nobody has to keep its bytes. */
export interface Witness {
  /** Notes what is in the file from an offset on. */
  note(bytes: Bytes, at: number): void;
  /** Whether these very bytes were noted there, in as long pieces. */
  isNoted(bytes: Bytes, at: number): boolean;
  /** Whether a part of the file, read now, is what was noted of it; false where that is not known. */
  isIntact(source: ByteSource, part: Span): Promise<boolean>;
}

interface Note {
  readonly size: number;
  readonly print: bigint;
}

/**
 * Fingerprints find what goes wrong between memory and disk, of which 64 bits miss nothing that anybody will see. They are
 * no digests: that bytes are those that were signed is for who makes the digest of the same bytes.
 */
export function openWitness(): Witness {
  const notes = new Map<number, Note>();
  return {
    note(bytes, at) {
      for (const [done, piece] of piecesOf(bytes))
        notes.set(at + done, { size: piece.length, print: Bun.hash.xxHash3(piece) });
    },
    isNoted: (bytes, at) =>
      piecesOf(bytes).every(([done, piece]) => notes.get(at + done)?.print === Bun.hash.xxHash3(piece)),
    async isIntact(source, { offset, size }) {
      const memory = new Uint8Array(PIECE);
      const end = offset + size;
      let at: number = offset;
      while (at < end) {
        const note = notes.get(at);
        if (note === undefined || at + note.size > end) return false;
        if (Bun.hash.xxHash3(await source.read(at, note.size, memory)) !== note.print) return false;
        at += note.size;
      }
      return true;
    },
  };
}

function piecesOf(bytes: Bytes): readonly (readonly [at: number, piece: Bytes])[] {
  const count = Math.ceil(bytes.length / PIECE);
  return Array.from({ length: count }, (_, i) => [i * PIECE, bytes.subarray(i * PIECE, (i + 1) * PIECE)]);
}
