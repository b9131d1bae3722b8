import { decodeChain, isFramed, splitChain } from "../../format/codecs/chain.ts";
import { parseSeekTable, SEEK_FOOTER, seekTableSize } from "../../format/codecs/zstd-seek-table.ts";
import { type ByteSource, openFileSource, streamRange } from "../../format/io/byte-source.ts";
import { type EntryGroup, groupEntries, writeGroups } from "../../format/tar/write-tar.ts";
import type { Bytes, ByteStream } from "../../format/types.ts";
import { decodedFrames } from "../../format/verifying/read-beside.ts";
import { framesAt, runsOf, type SlotFrame } from "../../format/workenv/unpacking/slot-frames.ts";
import { contentChecksum, storedChecksum } from "../compress-frame.ts";
import type { InputEntry, SlotWork } from "./slot-work.ts";

/** Whether the stored bytes in a file are of the content that a slot's files have now, of which some may have `changed`. */
export type IsOfContent = (stored: string, changed: ReadonlySet<InputEntry>) => Promise<boolean>;

/**
 * Compares the content of a slot with what earlier builds have stored, byte by byte: of an archive in frames only those
 * frames that hold a file which may have changed. What is read of the files for that, to find that it is another, is read
 * once.
 */
export function contentComparer(work: SlotWork): IsOfContent {
  const chain = splitChain(work.recipe.operations);
  const parts = once(() => partsOf(work));
  return async (stored, changed) => {
    using source = openFileSource(stored);
    const frames = isFramed(chain) ? await framesIn(source) : undefined;
    const made = frames !== undefined && work.kind === "tree" ? await parts() : undefined;
    if (frames === undefined || made?.length !== frames.length) {
      const content = frames
        ? decodedFrames(source, piecesOf(frames), () => {})
        : decodeChain(chain.codecs, streamRange(source, 0, source.size));
      return await areSame(work.content(), content);
    }
    const isConcerned = made.map(({ entries }) => entries.some((entry) => changed.has(entry)));
    const concerned = made.filter((_, i) => isConcerned[i]);
    const holding = frames.filter((_, i) => isConcerned[i]);
    for (const [i, part] of concerned.entries())
      if (await part.isOther(source, holding[i] as SlotFrame)) return false;
    const decoded = decodedFrames(source, piecesOf(holding), () => {});
    return await areSame(contentOf(concerned), decoded);
  };
}

const piecesOf = (frames: readonly SlotFrame[]) => frames.flatMap((frame) => frame.pieces);

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** A part of the archive that the files would make now. */
interface ArchivedPart {
  readonly entries: readonly InputEntry[];
  content(): ByteStream;
  /** Whether the checksum of a frame says that it holds another content. That it holds this one, bytes have to say. */
  isOther(source: ByteSource, frame: SlotFrame): Promise<boolean>;
}

async function partsOf({ entries, recipe: { mtimes } }: SlotWork): Promise<readonly ArchivedPart[]> {
  return (await groupEntries(entries, { mtimes })).map((group): ArchivedPart => {
    const content = () => contentOfGroup(group);
    const checksum = once(() => checksumOf(content()));
    return {
      entries: group.entries as readonly InputEntry[],
      content,
      async isOther(source, frame) {
        // Long entries have several frames.
        return !group.isLong && (await checksum()) !== (await storedChecksum(source, frame));
      },
    };
  });
}

async function checksumOf(content: ByteStream): Promise<number> {
  let checksum = 0;
  // It comes in one piece.
  for await (const piece of content) checksum = contentChecksum(piece);
  return checksum;
}

async function* contentOf(parts: readonly ArchivedPart[]): ByteStream {
  for (const part of parts) yield* part.content();
}

async function* contentOfGroup(group: EntryGroup): ByteStream {
  for await (const { bytes, done } of writeGroups([group])) {
    yield bytes;
    done?.();
  }
}

async function framesIn(source: ByteSource) {
  if (source.size < SEEK_FOOTER) return undefined;
  const size = seekTableSize(await source.read(source.size - SEEK_FOOTER, SEEK_FOOTER), source.size);
  if (size === undefined) return undefined;
  const sizes = parseSeekTable(await source.read(source.size - size, size), source.size);
  return sizes && framesAt(0, runsOf(sizes));
}

/** Whether two streams have the same bytes, in whatever pieces; neither is read further than to the first difference. */
async function areSame(one: ByteStream, other: ByteStream): Promise<boolean> {
  const [a, b] = [pieceReader(one), pieceReader(other)];
  try {
    for (;;) {
      const [left, right] = [await a.peek(), await b.peek()];
      if (left === undefined || right === undefined) return left === right;
      const length = Math.min(left.length, right.length);
      if (Buffer.compare(left.subarray(0, length), right.subarray(0, length)) !== 0) return false;
      a.take(length);
      b.take(length);
    }
  } finally {
    await a.close();
    await b.close();
  }
}

function pieceReader(stream: ByteStream) {
  const iterator = stream[Symbol.asyncIterator]();
  let piece: Bytes | undefined = new Uint8Array();
  return {
    /** What comes next; undefined at the end. */
    async peek(): Promise<Bytes | undefined> {
      while (piece?.length === 0) {
        const next = await iterator.next();
        piece = next.done === true ? undefined : next.value;
      }
      return piece;
    },
    take(length: number): void {
      piece = piece?.subarray(length);
    },
    close: async () => iterator.return?.(),
  };
}
