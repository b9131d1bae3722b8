import type { Bytes, ByteStream } from "../types.ts";
import { ByteReader } from "./byte-reader.ts";
import { damaged, truncated } from "./codec.ts";
import { crc32 } from "./crc.ts";
import { decodeLzma2 } from "./lzma2-decode.ts";
import {
  type BlockRecord,
  CHECKS,
  encodeIndex,
  encodeStreamFooter,
  LZMA2_FILTER,
  readLe32,
  STREAM_HEADER_SIZE,
  STREAM_MAGIC,
  sameBytes,
} from "./xz-container.ts";

/** `xz -9` uses 64 MiB. A header may ask for 4 GiB, which nobody's package needs and an attacker's would use. */
const MAX_DICTIONARY = 256 * 1024 * 1024;

/**
 * The bytes in .xz streams, one after the other with the padding that the format allows. Every check sum and size in
 * the container is compared. Filters other than LZMA2 are refused by number.
 */
export async function* decodeXz(input: ByteStream): ByteStream {
  await using reader = new ByteReader(input);
  yield* decodeStream(reader);
  while (await skipPadding(reader)) yield* decodeStream(reader);
}

async function* decodeStream(reader: ByteReader): ByteStream {
  const head = await take(reader, STREAM_HEADER_SIZE);
  if (!sameBytes(head.subarray(0, 6), STREAM_MAGIC))
    throw damaged("XZ", "it has no xz header where one should be");
  if (crc32(head.subarray(6, 8)) !== readLe32(head, 8)) throw damaged("XZ", "its header is damaged");
  const check = head[7]!;
  if (head[6] !== 0 || CHECKS[check] === undefined) throw damaged("XZ", `it uses the unknown check ${check}`);

  const records: BlockRecord[] = [];
  for (;;) {
    const [size] = (await take(reader, 1)) as unknown as [number];
    if (size === 0) break;
    records.push(yield* decodeBlock(reader, (size + 1) * 4, check));
  }
  // Its first byte, the zero, is read already. There is one way to write an index, so it can be compared whole.
  const index = encodeIndex(records);
  if (!sameBytes(await take(reader, index.length - 1), index.subarray(1)))
    throw damaged("XZ", "its index does not match its blocks");
  const footer = encodeStreamFooter(check, index.length);
  if (!sameBytes(await take(reader, footer.length), footer)) throw damaged("XZ", "its footer is damaged");
}

interface BlockHeader {
  readonly dictionarySize: number;
  readonly packedSize: number | undefined;
  readonly size: number | undefined;
}

async function* decodeBlock(
  reader: ByteReader,
  headerSize: number,
  check: number,
): AsyncGenerator<Bytes, BlockRecord> {
  const header = parseBlockHeader(await take(reader, headerSize - 1), headerSize);
  const checksum = CHECKS[check]!();
  const start = reader.position;
  let size = 0;
  for await (const piece of decodeLzma2(reader, header.dictionarySize)) {
    checksum.update(piece);
    size += piece.length;
    yield piece;
  }
  const packedSize = reader.position - start;
  if ((header.packedSize ?? packedSize) !== packedSize || (header.size ?? size) !== size)
    throw damaged("XZ", "a block has not the size that its header says");
  const padding = await take(reader, -packedSize & 3);
  if (padding.some((byte) => byte !== 0)) throw damaged("XZ", "the padding of a block is damaged");
  const expected = checksum.digest();
  if (!sameBytes(await take(reader, expected.length), expected))
    throw damaged("XZ", "the checksum of a block does not match");
  return { unpaddedSize: headerSize + packedSize + expected.length, size };
}

/** Reads all of a block header but its first byte, the size. */
function parseBlockHeader(rest: Bytes, headerSize: number): BlockHeader {
  const whole = Uint8Array.of(headerSize / 4 - 1, ...rest);
  const body = whole.subarray(0, -4);
  if (crc32(body) !== readLe32(whole, body.length)) throw damaged("XZ", "the header of a block is damaged");
  const flags = body[1]!;
  if ((flags & 0x3c) !== 0) throw damaged("XZ", "the header of a block uses unknown flags");
  let at = 2;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = body[at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw damaged("XZ", "the header of a block contains no number where one should be");
  };
  const packedSize = (flags & 0x40) !== 0 ? varint() : undefined;
  const size = (flags & 0x80) !== 0 ? varint() : undefined;
  const filter = varint();
  if (filter !== LZMA2_FILTER || (flags & 3) !== 0)
    throw damaged("XZ", `it uses the filter 0x${filter.toString(16)}, only plain LZMA2 is supported`);
  const propertySize = varint();
  const property = body[at++] ?? 0xff;
  if (propertySize !== 1 || property > 40)
    throw damaged("XZ", "the header of a block has impossible properties");
  if (body.subarray(at).some((byte) => byte !== 0))
    throw damaged("XZ", "the header of a block has unknown fields");
  return { dictionarySize: dictionarySizeOf(property), packedSize, size };
}

/** The property byte of LZMA2: 2 or 3 times a power of two, from 4 KiB on. */
function dictionarySizeOf(property: number): number {
  const size = property === 40 ? 2 ** 32 - 1 : (2 | (property & 1)) * 2 ** (Math.floor(property / 2) + 11);
  if (size <= MAX_DICTIONARY) return size;
  const [mebibytes, limit] = [size, MAX_DICTIONARY].map((bytes) => Math.ceil(bytes / 1024 / 1024));
  throw damaged("XZ", `it needs a dictionary of ${mebibytes} MiB, at most ${limit} MiB are allowed`);
}

/** Zeros in fours may follow a stream. Returns whether anything comes after them. */
async function skipPadding(reader: ByteReader): Promise<boolean> {
  for (;;) {
    const count = await reader.fill(4);
    if (count === 0) return false;
    if (reader.window()[0] !== 0) return true;
    if ((await take(reader, 4)).some((byte) => byte !== 0))
      throw damaged("XZ", "the padding after it is damaged");
  }
}

async function take(reader: ByteReader, count: number): Promise<Bytes> {
  if ((await reader.fill(count)) < count) throw truncated("XZ");
  return reader.take(count);
}
