import { pack } from "tar-stream";
import type { Bytes } from "../types.ts";
import type { HeaderFacts } from "./encode-header.ts";
import { BLOCK } from "./header.ts";

const MAX_HEADER_TIME = 2 ** 31 - 1;
const EXTENDED = "x".charCodeAt(0);

/**
 * The header of an entry for which ustar is too small: a pax extended header (POSIX pax(1)) in front, or the size in
 * GNU's base 256. A multiple of 512 bytes.
 */
export async function extendedHeader({ mtime, kind, mode, linkName, ...facts }: HeaderFacts): Promise<Bytes> {
  const seconds = Math.max(0, Math.min(mtime, MAX_HEADER_TIME));
  const archive = pack();
  const entry = archive.entry({
    ...facts,
    type: kind,
    // tar-stream takes 0 for "not given" and keeps 07777 of what it is given
    mode: mode || 0o10000,
    mtime: new Date(seconds * 1000),
    uid: 0,
    gid: 0,
    ...(linkName === "" ? {} : { linkname: linkName }),
    ...(seconds === mtime ? {} : { pax: { mtime: String(mtime) } }),
  });
  // It is given up with its body missing, which is an error that would end the process.
  entry.on("error", () => {});
  const pieces: Uint8Array[] = [];
  let missing = 1;
  for await (const piece of archive as AsyncIterable<Uint8Array>) {
    pieces.push(piece);
    missing = lengthOf(pieces[0] as Uint8Array) - pieces.reduce((sum, { length }) => sum + length, 0);
    if (missing <= 0) break;
  }
  return new Uint8Array(Buffer.concat(pieces));
}

/** An extended header is followed by its records, padded, and by the header that it extends. */
function lengthOf(first: Uint8Array): number {
  if (first[156] !== EXTENDED) return BLOCK;
  const records = Number.parseInt(Buffer.from(first.subarray(124, 135)).toString("latin1"), 8);
  return BLOCK + Math.ceil(records / BLOCK) * BLOCK + BLOCK;
}
