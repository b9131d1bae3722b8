import { PspfError } from "../errors.ts";
import type { Bytes, ByteStream } from "../types.ts";
import type { OperationName } from "../wire/operations.ts";
import type { EncodeOptions } from "./codec.ts";
import { loadCodec } from "./registry.ts";

/** A chain as what makes one stream of a tree, and what compresses that stream. */
export interface SplitChain {
  readonly bundle: "TAR" | undefined;
  readonly codecs: readonly OperationName[];
}

/** Takes the TAR off the front of a chain that `checkSupported` has accepted. */
export const splitChain = (chain: readonly OperationName[]): SplitChain =>
  chain[0] === "TAR" ? { bundle: "TAR", codecs: chain.slice(1) } : { bundle: undefined, codecs: chain };

/** Whether what a chain was applied to is a tree: everything else is one file. */
export const isArchive = (chain: readonly OperationName[]): boolean => chain[0] === "TAR";

/** Whether a chain makes frames that can be taken apart: of what is only compressed by zstd. Everything else is one stream. */
export const isFramed = ({ codecs }: SplitChain): boolean => codecs.length === 1 && codecs[0] === "ZSTD";

/** Applies byte codecs in order; the level is used for each of them. Loads no codec before the first read. */
export async function* encodeChain(
  codecs: readonly OperationName[],
  input: ByteStream,
  options: EncodeOptions = {},
): ByteStream {
  let stream = input;
  for (const codec of await Promise.all(codecs.map(loadCodec))) stream = codec.encode(stream, options);
  yield* stream;
}

/**
 * Undoes byte codecs, last one first. Loads no codec before the first read. What is between two codecs ends with
 * `codec-failed` where it is more than twice `limit`, the most that may come out: it could go on for ever and become
 * nothing.
 */
export async function* decodeChain(
  codecs: readonly OperationName[],
  input: ByteStream,
  limit = Number.POSITIVE_INFINITY,
): ByteStream {
  let stream = input;
  for (const [i, codec] of (await Promise.all(codecs.toReversed().map(loadCodec))).entries())
    stream = codec.decode(i === 0 ? stream : atMost(2 * limit + SPARE, stream));
  yield* stream;
}

/** What compressing adds to very little. */
const SPARE = 1024 * 1024;

async function* atMost(limit: number, input: ByteStream): ByteStream {
  let count = 0;
  for await (const piece of input) {
    count += piece.length;
    if (count > limit)
      throw new PspfError(
        "codec-failed",
        `Cannot decode a chain of operations: more than ${limit} bytes are between two of them`,
      );
    yield piece;
  }
}

const MAGICS = [
  { name: "GZIP", at: 0, pattern: [0x1f, 0x8b, 0x08] },
  { name: "BZIP2", at: 0, pattern: [0x42, 0x5a, 0x68] },
  { name: "XZ", at: 0, pattern: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  { name: "ZSTD", at: 0, pattern: [0x28, 0xb5, 0x2f, 0xfd] },
  { name: "TAR", at: 257, pattern: [0x75, 0x73, 0x74, 0x61, 0x72] },
] as const satisfies readonly { name: OperationName; at: number; pattern: readonly number[] }[];

/** A zstd stream may begin with a skippable frame: 0x184D2A50 to 0x184D2A5F, little-endian. */
const isSkippable = (bytes: Bytes): boolean =>
  ((bytes[0] ?? 0) & 0xf0) === 0x50 && bytes[1] === 0x2a && bytes[2] === 0x4d && bytes[3] === 0x18;

/** What made these bytes, by their magic numbers: a codec or TAR. The first 512 bytes suffice. */
export function sniff(bytes: Bytes): OperationName | undefined {
  const found = MAGICS.find(({ at, pattern }) => pattern.every((byte, i) => bytes[at + i] === byte));
  return found?.name ?? (isSkippable(bytes) ? "ZSTD" : undefined);
}
