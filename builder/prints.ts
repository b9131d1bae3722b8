import type { ByteSource } from "../format/io/byte-source.ts";
import { readAhead } from "../format/io/read-ahead.ts";
import type { Bytes } from "../format/types.ts";
import { inTurns } from "./in-turns.ts";

/** So much gets one fingerprint: it stays in the second cache of most processors. */
const PIECE = 256 * 1024;

/**
 * A fingerprint of some bytes: XXH3, of which 64 bits miss nothing that goes wrong by accident between memory and disk. It
 * is no digest: that bytes are those that were signed, is for who makes prints and digest of the same bytes.
 */
export interface Print {
  readonly size: number;
  readonly print: bigint;
}

/** The prints of bytes, in order. */
export function printsOf(bytes: Bytes): readonly Print[] {
  if (bytes.length <= PIECE) return bytes.length === 0 ? [] : [printOf(bytes)];
  const count = Math.ceil(bytes.length / PIECE);
  return Array.from({ length: count }, (_, i) => printOf(bytes.subarray(i * PIECE, (i + 1) * PIECE)));
}

const printOf = (bytes: Bytes): Print => ({ size: bytes.length, print: Bun.hash.xxHash3(bytes) });

/** Whether bytes are those of some prints. */
export function hasPrints(bytes: Bytes, prints: readonly Print[]): boolean {
  let at = 0;
  for (const { size, print } of prints) {
    if (Bun.hash.xxHash3(bytes.subarray(at, at + size)) !== print) return false;
    at += size;
  }
  return at === bytes.length;
}

/** Whether a source has, from `at` on, the bytes of these prints. */
export async function isAsPrinted(
  source: ByteSource,
  at: number,
  prints: readonly Print[],
): Promise<boolean> {
  const runs = runsOf(prints);
  let i = 0;
  for await (const bytes of inTurns(readAhead(source, at, runs.map(totalOf))))
    if (!hasPrints(bytes, runs[i++] as readonly Print[])) return false;
  return true;
}

/** So much is read at a time. */
export const RUN = 1024 * 1024;

/** In order, as few as there can be that are not larger than a run. */
export function runsOf(prints: readonly Print[]): readonly (readonly Print[])[] {
  const runs: Print[][] = [];
  let free = 0;
  for (const print of prints) {
    if (print.size > free) {
      runs.push([]);
      free = RUN;
    }
    runs.at(-1)?.push(print);
    free -= print.size;
  }
  return runs;
}

/** Prints as bytes: size and print of each, as two little-endian u64. */
export function encodePrints(prints: readonly Print[]): Bytes {
  const bytes = new Uint8Array(prints.length * ROW);
  const view = new DataView(bytes.buffer);
  for (const [i, { size, print }] of prints.entries()) {
    view.setBigUint64(i * ROW, BigInt(size), true);
    view.setBigUint64(i * ROW + ROW / 2, print, true);
  }
  return bytes;
}

const ROW = 16;

/** The prints of so many bytes; undefined where these bytes do not say that. */
export function decodePrints(bytes: Bytes, size: number): readonly Print[] | undefined {
  if (bytes.length % ROW !== 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const prints = Array.from({ length: bytes.length / ROW }, (_, i) => ({
    size: Number(view.getBigUint64(i * ROW, true)),
    print: view.getBigUint64(i * ROW + ROW / 2, true),
  }));
  const isSound = prints.every((print) => print.size > 0 && print.size <= PIECE);
  return isSound && totalOf(prints) === size ? prints : undefined;
}

/** How many bytes they are of. */
export const totalOf = (prints: readonly Print[]): number =>
  prints.reduce((sum, print) => sum + print.size, 0);
