import { writeSync } from "node:fs";
import type { NewFile } from "../../io/new-file.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { ioError } from "../../io/fs.ts";
import { BLOCK, END_SIZE } from "../../tar/header.ts";
import type { Bytes } from "../../types.ts";
import { isZero } from "../../wire/zeros.ts";
import { type DecodeTools, decodeFrame } from "./decode-frame.ts";
import type { SharedFile, WritePiece } from "./shared-file.ts";
import type { FramePlace, SlotFrame } from "./slot-frames.ts";

/** What pieces of long files are written with. */
export interface PieceTools extends Omit<DecodeTools, "output"> {
  readonly source: ByteSource;
  /** Told of the content as it is unpacked. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

/** How a file lies in what its frames decode to. */
export interface LongFile {
  readonly frame: SlotFrame;
  /** The first piece that is not written yet. */
  readonly first: number;
  /** Bytes before the file's own. */
  readonly before: number;
  /** Bytes of the file. */
  readonly size: number;
}

/** Of headers before a file, or of zeros behind it. A parser takes some more. */
const MOST_AROUND = 1024 * 1024;

/** The file in a part of an archive, if that is the last thing in it and goes on behind the first frame. */
export function longFileIn(frame: SlotFrame, before: number, size: number): LongFile | undefined {
  const padding = (BLOCK - (size % BLOCK)) % BLOCK;
  const behind = frame.content - before - size;
  const isLast = frame.isLast ? behind >= padding + END_SIZE : behind === padding;
  const isLong = before + size > (frame.pieces[0]?.content ?? 0);
  if (!isLast || !isLong || before > MOST_AROUND || behind > MOST_AROUND) return undefined;
  return { frame, first: 1, before, size };
}

/**
 * The pieces of a part that hold nothing but some of the file, if there is one in it as `longFileIn` wants it: they can be
 * looked at before that is known.
 */
export function insideOf(frame: SlotFrame): readonly FramePlace[] {
  const starts = startsOf(frame);
  const end = frame.content - MOST_AROUND;
  return frame.pieces.filter((piece, i) => i > 0 && (starts[i] as number) + piece.content <= end);
}

/** Completes a file that was made, with all threads that have nothing else to do. */
export async function fillFile(
  file: NewFile,
  { frame, first, before, size }: LongFile,
  shared: SharedFile,
  tools: () => PieceTools,
): Promise<void> {
  const place = { fd: file.fd, before, behind: frame.content - before - size };
  await shared.share(place, { first, end: frame.pieces.length }, pieceWriter(frame, tools));
  file.written = size;
  file.close();
}

/** Writes pieces of a file that another thread has made, until none is left. */
export const helpToFill = (frame: SlotFrame, shared: SharedFile, tools: () => PieceTools): Promise<void> =>
  shared.help(frame.pieces.length, pieceWriter(frame, tools));

/** Each piece is a frame. Nothing but zeros may be behind the file. */
function pieceWriter(frame: SlotFrame, toolsFor: () => PieceTools): WritePiece {
  const { pieces, content } = frame;
  const starts = startsOf(frame);
  return async (number, { fd, before, behind }) => {
    const { source, onBytes, ...tools } = toolsFor();
    const size = content - before - behind;
    let at = (starts[number] as number) - before;
    await decodeFrame(source, pieces[number] as (typeof pieces)[number], tools, (bytes) => {
      writeAt(fd, bytes, countWithin(size, bytes, at), at);
      at += bytes.length;
      onBytes?.(bytes.length);
    });
  };
}

/** How many of these bytes, which begin at `at` of a file of this size, are the file's. Throws unless the others are zeros. */
export function countWithin(size: number, bytes: Bytes, at: number): number {
  const count = Math.min(bytes.length, Math.max(0, size - at));
  if (count < bytes.length && !isZero(bytes.subarray(count)))
    throw new Error("something is behind a long file");
  return count;
}

/** Where each piece begins in what the frame decodes to. */
export function startsOf({ pieces }: SlotFrame): readonly number[] {
  let start = 0;
  return pieces.map(({ content }) => {
    const its = start;
    start += content;
    return its;
  });
}

function writeAt(fd: number, bytes: Uint8Array, count: number, at: number): void {
  try {
    for (let done = 0; done < count;) done += writeSync(fd, bytes, done, count - done, at + done);
  } catch (error) {
    throw ioError("write", "a long file", error);
  }
}
