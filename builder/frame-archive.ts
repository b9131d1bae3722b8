import type { Level } from "../format/codecs/codec.ts";
import type { SplitChain } from "../format/codecs/chain.ts";
import { collect, concat } from "../format/codecs/streams.ts";
import { zstd } from "../format/codecs/zstd.ts";
import { zstdLevel } from "../format/codecs/zstd-params.ts";
import { encodeSeekTable, type FrameSizes } from "../format/codecs/zstd-seek-table.ts";
import { type ArchivePart, CUT_SIZES } from "../format/tar/archive-part.ts";
import { type ArchivePiece, cutArchive } from "../format/tar/cut-archive.ts";
import type { EntryFacts } from "../format/tar/tar-entry.ts";
import type { Bytes, ByteStream } from "../format/types.ts";
import { entriesIn } from "../format/verifying/frame-entries.ts";
import { framesUnderWay, type HeldPart, type MadePart } from "./frames-under-way.ts";
import { runAhead } from "./run-ahead.ts";

/** Of a long entry, so much is held: the threads of the runtime compress what is in memory, but no stream together. */
const MOST_HELD = CUT_SIZES.held;

/** Frames from this size on have memory of their own. */
const OWN_BUFFER = 256 * 1024;

export interface FramedArchive {
  /** Each piece is to be used up before the next one is asked for: its memory is gone then. */
  readonly stored: ByteStream;
  /** Bytes of the archive; known when `stored` has ended. */
  originalSize(): number;
  /** What it was made of, in order; known when `stored` has ended. */
  made(): readonly MadeFrame[];
}

/** A frame of an archive that was made in this process. */
export interface MadeFrame extends FrameSizes {
  /** The entries in it, where that is known without decoding it. */
  readonly entries?: readonly EntryFacts[] | undefined;
}

export interface FrameOptions {
  readonly level?: Level | undefined;
  /** Told of the archive as it was compressed. */
  readonly onBytes?: ((count: number) => void) | undefined;
  /** Note which entries are in frames, for who verifies the archive. */
  readonly noteEntries?: boolean | undefined;
}

/** Whether a chain makes frames: of an archive that is only compressed by zstd. Everything else is one stream. */
export const isFramed = ({ bundle, codecs }: SplitChain): boolean =>
  bundle === "TAR" && codecs.length === 1 && codecs[0] === "ZSTD";

/** A tar archive that is there already, as `frameParts` makes it of a tree. */
export const frameArchive = (archive: ByteStream, options: FrameOptions = {}): FramedArchive =>
  frameParts(partsOf(cutArchive(archive), options), options);

/**
 * A tar archive as zstd frames that begin where entries begin, with the seek table behind them: what `tar --zstd -x`
 * reads, and what threads can unpack at the same time. Frames are compressed on all processors; the bytes do not depend
 * on how many there are. Holds at most 64 MiB of content, and what it became; an entry of more than 32 MiB passes through
 * as a stream.
 */
export function frameParts(parts: AsyncIterable<ArchivePart>, options: FrameOptions = {}): FramedArchive {
  const frames: MadeFrame[] = [];
  return {
    stored: compressed(parts, options, frames),
    originalSize: () => frames.reduce((sum, { content }) => sum + content, 0),
    made: () => frames,
  };
}

/** A frame that is being made, or an entry too long for that. */
type Begun = { readonly frame: Promise<MadePart> } | { readonly long: ByteStream };

async function* compressed(
  parts: AsyncIterable<ArchivePart>,
  { level, onBytes }: FrameOptions,
  frames: MadeFrame[],
): ByteStream {
  let isLong = false;
  // Frames are begun whether anybody takes them or not.
  const underWay = framesUnderWay(zstdLevel(level === undefined ? {} : { level }), () => coming.go());
  const begun = async function* (): AsyncGenerator<Begun> {
    for await (const part of parts) {
      const held = part.kind === "whole" ? part : await hold(part);
      isLong = !("bytes" in held);
      yield "bytes" in held ? { frame: underWay.begin(held) } : { long: held.rest };
    }
  };
  const coming = runAhead(begun(), () => !isLong && underWay.hasRoom);
  try {
    for (let next = await coming.next(); next.done !== true; next = await coming.next()) {
      if ("long" in next.value) {
        frames.push(yield* streamed(next.value.long, { level, onBytes }));
        isLong = false;
        continue;
      }
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

/** One large entry as a frame that is never held whole. */
async function* streamed(
  content: ByteStream,
  { level, onBytes }: FrameOptions,
): AsyncGenerator<Bytes, FrameSizes> {
  const sizes = { compressed: 0, content: 0 };
  const counted = async function* (): ByteStream {
    for await (const piece of content) {
      sizes.content += piece.length;
      onBytes?.(piece.length);
      yield piece;
    }
  };
  for await (const bytes of zstd.encode(counted(), level === undefined ? {} : { level })) {
    sizes.compressed += bytes.length;
    yield bytes;
  }
  return sizes;
}

/** A stream in memory, or, where it is too large, the stream itself again. */
async function hold({
  pieces,
  size: known = 0,
}: Extract<ArchivePart, { kind: "stream" }>): Promise<HeldPart | { readonly rest: ByteStream }> {
  if (known > MOST_HELD) return { rest: pieces };
  const iterator = pieces[Symbol.asyncIterator]();
  const held: Bytes[] = [];
  for (let size = 0; size <= MOST_HELD;) {
    const next = await iterator.next();
    if (next.done === true) return { bytes: concat(held) };
    held.push(next.value);
    size += next.value.length;
  }
  const rest = async function* (): ByteStream {
    try {
      while (held.length > 0) yield held.shift() as Bytes;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
        yield next.value;
    } finally {
      await iterator.return?.();
    }
  };
  return { rest: rest() };
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
    while (!next.done)
      if (next.value.begins === "long") yield { kind: "stream", pieces: rest() };
      else {
        const bytes = await collect(rest());
        const isLast = isOver();
        const entries = noteEntries === true ? entriesOf(bytes, isLast) : undefined;
        yield { kind: "whole", bytes, isLast, entries };
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
