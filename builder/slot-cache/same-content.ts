import { decodeChain, splitChain } from "../../format/codecs/chain.ts";
import { parseSeekTable, SEEK_FOOTER, seekTableSize } from "../../format/codecs/zstd-seek-table.ts";
import { type ByteSource, openFileSource, streamRange } from "../../format/io/byte-source.ts";
import { groupEntries, writeGroups } from "../../format/tar/write-tar.ts";
import type { Bytes, ByteStream } from "../../format/types.ts";
import { decodedFrames } from "../../format/verifying/read-beside.ts";
import { isFramed } from "../frame-archive.ts";
import type { InputEntry, SlotWork } from "./slot-work.ts";

/**
 * Whether the stored bytes in a file are of the content that the files of a slot have now. Byte by byte: of an archive in
 * frames only those frames that hold a file which may have `changed`.
 */
export async function isOfContent(
  stored: string,
  work: SlotWork,
  changed: ReadonlySet<InputEntry>,
): Promise<boolean> {
  using source = openFileSource(stored);
  const chain = splitChain(work.recipe.operations);
  const frames = work.kind === "tree" && isFramed(chain) ? await framesIn(source) : undefined;
  const { mtimes } = work.recipe;
  const groups = frames === undefined ? [] : await groupEntries(work.entries, { mtimes });
  if (frames === undefined || groups.length !== frames.length) {
    const content = decodeChain(chain.codecs, streamRange(source, 0, source.size));
    return await areSame(work.content(), content);
  }
  const isConcerned = groups.map(({ entries }) => entries.some((entry) => changed.has(entry as InputEntry)));
  const concerned = groups.filter((_, i) => isConcerned[i]);
  const content = decodedFrames(
    source,
    frames.filter((_, i) => isConcerned[i]),
    () => {},
  );
  return await areSame(partsOf(concerned, mtimes), content);
}

async function* partsOf(
  groups: Awaited<ReturnType<typeof groupEntries>>,
  mtimes: "zero" | "keep",
): ByteStream {
  for await (const part of writeGroups(groups, { mtimes })) {
    if (part.kind === "stream") yield* part.pieces;
    else {
      yield part.bytes;
      part.done?.();
    }
  }
}

async function framesIn(source: ByteSource) {
  if (source.size < SEEK_FOOTER) return undefined;
  const size = seekTableSize(await source.read(source.size - SEEK_FOOTER, SEEK_FOOTER), source.size);
  if (size === undefined) return undefined;
  const sizes = parseSeekTable(await source.read(source.size - size, size), source.size);
  let offset = 0;
  return sizes?.map(({ compressed, content }, i) => {
    const frame = { offset, size: compressed, content, isLast: i === sizes.length - 1 };
    offset += compressed;
    return frame;
  });
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
