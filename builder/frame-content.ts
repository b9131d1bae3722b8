import type { Level } from "../format/codecs/codec.ts";
import { collect, evenPieces } from "../format/codecs/streams.ts";
import { isAboveUsual, zstdLevel } from "../format/codecs/zstd-params.ts";
import { encodeSeekTable, type FrameSizes } from "../format/codecs/zstd-seek-table.ts";
import { type ArchivePart, CUT_SIZES } from "../format/tar/archive-part.ts";
import { type ArchivePiece, cutArchive } from "../format/tar/cut-archive.ts";
import type { EntryFacts } from "../format/tar/tar-entry.ts";
import { freshMemory } from "../format/io/fresh-memory.ts";
import type { Bytes, ByteStream } from "../format/types.ts";
import { entriesIn } from "../format/verifying/frame-entries.ts";
import { framesUnderWay, type MadePart } from "./frames-under-way.ts";
import { runAhead } from "./run-ahead.ts";

/** Frames from this size on have memory of their own. */
const OWN_BUFFER = 256 * 1024;

export interface FramedContent {
  /** Each piece is to be used up before the next one is asked for: its memory is gone then. */
  readonly stored: ByteStream;
  /** Bytes of the content; known when `stored` has ended. */
  originalSize(): number;
  /** What it was made of, in order; known when `stored` has ended. */
  made(): readonly MadeFrame[];
}

/** A frame that was made in this process. */
export interface MadeFrame extends FrameSizes {
  /** The entries of an archive in it, where that is known without decoding it; those of a file are none. */
  readonly entries?: readonly EntryFacts[] | undefined;
}

export interface FrameOptions {
  readonly level?: Level | undefined;
  /** Told of the content as it was compressed. */
  readonly onBytes?: ((count: number) => void) | undefined;
  /** Note which entries are in frames, for who verifies the archive. */
  readonly noteEntries?: boolean | undefined;
}

/** A tar archive that is there already, as `frameParts` makes it of a tree. */
export const frameArchive = (archive: ByteStream, options: FrameOptions = {}): FramedContent =>
  frameParts(partsOf(cutArchive(archive), options), options);

/** One file, whatever is in it, in frames of 4 MiB; above the usual level, of 16 MiB. */
export const frameFile = (content: ByteStream, options: FrameOptions = {}): FramedContent =>
  frameParts(partsOfFile(content, options), options);

/**
 * Parts of a file or of an archive as zstd frames, one each, with the seek table behind them: what `zstd -d` and
 * `tar --zstd -x` read, and what threads can unpack at the same time. Frames are compressed on all processors; the bytes do
 * not depend on how many there are. Holds at most 64 MiB of content, and what it became.
 */
export function frameParts(parts: AsyncIterable<ArchivePart>, options: FrameOptions = {}): FramedContent {
  const frames: MadeFrame[] = [];
  return {
    stored: compressed(parts, options, frames),
    originalSize: () => frames.reduce((sum, { content }) => sum + content, 0),
    made: () => frames,
  };
}

/** A frame that is being made, in an object: a generator would wait for a promise. */
interface Begun {
  readonly frame: Promise<MadePart>;
}

async function* compressed(
  parts: AsyncIterable<ArchivePart>,
  { level, onBytes }: FrameOptions,
  frames: MadeFrame[],
): ByteStream {
  // Frames are begun whether anybody takes them or not.
  const underWay = framesUnderWay(zstdLevel(level === undefined ? {} : { level }), () => coming.go());
  const begun = async function* (): AsyncGenerator<Begun> {
    for await (const part of parts) yield { frame: underWay.begin(part) };
  };
  const coming = runAhead(begun(), () => underWay.hasRoom);
  try {
    for (let next = await coming.next(); next.done !== true; next = await coming.next()) {
      const { pieces, ...made } = await next.value.frame;
      frames.push(made);
      onBytes?.(made.content);
      for (const piece of pieces) {
        yield piece;
        // Given back at once: until the collector comes, each frame would need fresh memory. Small ones share theirs.
        if (piece.length >= OWN_BUFFER) piece.buffer.transfer(0);
      }
      underWay.taken(made);
    }
  } finally {
    await coming.close();
    // Given up: nobody will ask the others what became of them.
    await underWay.settled();
  }
  const table = encodeSeekTable(frames);
  if (table !== undefined) yield table;
}

async function* partsOf(
  pieces: AsyncGenerator<ArchivePiece>,
  { noteEntries }: FrameOptions,
): AsyncGenerator<ArchivePart> {
  let next = await pieces.next();
  const rest = async function* (): ByteStream {
    do {
      yield (next.value as ArchivePiece).bytes;
      next = await pieces.next();
    } while (!next.done && next.value.begins === undefined);
  };
  const isOver = () => next.done === true;
  try {
    while (!next.done) {
      const isKnown = noteEntries === true && next.value.begins !== "long entry";
      const bytes = await collect(rest());
      const entries = isKnown ? entriesOf(bytes, isOver()) : undefined;
      // It is a copy: until the collector came, there would be a hundred megabytes of them.
      yield { bytes, entries, done: () => void bytes.buffer.transfer(0) };
    }
  } finally {
    await pieces.return(undefined);
  }
}

/** What a reader of the part alone sees, which may not be what it says to a reader of the whole archive. */
function entriesOf(part: Bytes, isLast: boolean): readonly EntryFacts[] | undefined {
  try {
    return entriesIn(part, isLast);
  } catch {
    return undefined;
  }
}

/** At level 19, frames of 4 MiB have 7 % more bytes than one frame, those of 16 MiB 2 %; at the usual level, 1 and 0 %. */
const LARGE_FRAME = 16 * 1024 * 1024;

async function* partsOfFile(content: ByteStream, { level }: FrameOptions): AsyncGenerator<ArchivePart> {
  const size = isAboveUsual(level === undefined ? {} : { level }) ? LARGE_FRAME : CUT_SIZES.part;
  const free: Bytes[] = [];
  const take = () => free.pop() ?? freshMemory(size);
  let isEmpty = true;
  for await (const bytes of evenPieces(content, size, take)) {
    isEmpty = false;
    yield { bytes, entries: [], done: () => void free.push(new Uint8Array(bytes.buffer)) };
  }
  // Something has to say that there is nothing.
  if (isEmpty) yield { bytes: new Uint8Array(), entries: [] };
}
