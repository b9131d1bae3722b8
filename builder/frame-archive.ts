import { availableParallelism } from "node:os";
import { zstdCompress } from "node:zlib";
import { collect } from "../format/codecs/streams.ts";
import { zstd } from "../format/codecs/zstd.ts";
import { zstdParams } from "../format/codecs/zstd-params.ts";
import { encodeSeekTable, type FrameSizes } from "../format/codecs/zstd-seek-table.ts";
import { type ArchivePiece, cutArchive } from "../format/tar/cut-archive.ts";
import type { Bytes, ByteStream } from "../format/types.ts";

/**
 * A tar archive as zstd frames that begin where entries begin, with the seek table behind them: what `tar --zstd -x`
 * reads, and what threads can unpack at the same time. Frames are compressed on all processors; the bytes do not depend
 * on how many there are. Holds a few frames of at most 13 MiB; an entry that is larger passes through as a stream.
 */
export async function* frameArchive(archive: ByteStream, level?: number): ByteStream {
  const compress = compressor(level);
  const frames: FrameSizes[] = [];
  const underWay: Promise<Frame>[] = [];
  const most = availableParallelism() + 1;
  const written = function* ({ bytes, content }: Frame): Generator<Bytes> {
    frames.push({ compressed: bytes.length, content });
    yield bytes;
  };
  try {
    for await (const { kind, bytes } of partsOf(cutArchive(archive))) {
      if (kind === "short") underWay.push(compress(await collect(bytes)));
      while (underWay.length > (kind === "long" ? 0 : most - 1))
        yield* written(await (underWay.shift() as Promise<Frame>));
      if (kind === "long") frames.push(yield* streamed(bytes, level));
    }
    for (const frame of underWay.splice(0)) yield* written(await frame);
  } finally {
    // Given up: nobody will ask the others what became of them.
    await Promise.allSettled(underWay);
  }
  const table = encodeSeekTable(frames);
  if (table !== undefined) yield table;
}

interface Frame {
  readonly bytes: Bytes;
  /** How many bytes it decodes to. */
  readonly content: number;
}

function compressor(level: number | undefined): (content: Bytes) => Promise<Frame> {
  const params = zstdParams(level === undefined ? {} : { level });
  return (content) =>
    new Promise((resolve, reject) => {
      zstdCompress(content, { params }, (error, bytes) =>
        error ? reject(error) : resolve({ bytes: new Uint8Array(bytes), content: content.length }),
      );
    });
}

/** One large entry as a frame that is never held whole. */
async function* streamed(content: ByteStream, level: number | undefined): AsyncGenerator<Bytes, FrameSizes> {
  const sizes = { compressed: 0, content: 0 };
  const counted = async function* (): ByteStream {
    for await (const piece of content) {
      sizes.content += piece.length;
      yield piece;
    }
  };
  for await (const bytes of zstd.encode(counted(), level === undefined ? {} : { level })) {
    sizes.compressed += bytes.length;
    yield bytes;
  }
  return sizes;
}

interface Part {
  readonly kind: "short" | "long";
  /** To be read to its end before the next part is asked for. */
  readonly bytes: ByteStream;
}

async function* partsOf(pieces: AsyncGenerator<ArchivePiece>): AsyncGenerator<Part> {
  let next = await pieces.next();
  const rest = async function* (): ByteStream {
    do {
      yield (next.value as ArchivePiece).bytes;
      next = await pieces.next();
    } while (!next.done && next.value.begins === undefined);
  };
  try {
    while (!next.done) yield { kind: next.value.begins ?? "short", bytes: rest() };
  } finally {
    await pieces.return(undefined);
  }
}
