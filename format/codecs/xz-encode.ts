import type { Bytes, ByteStream } from "../types.ts";
import { ByteReader } from "./byte-reader.ts";
import { createCrc64 } from "./crc.ts";
import { encodeLzma2 } from "./lzma2-encode.ts";
import type { Effort } from "./match-finder.ts";
import {
  type BlockRecord,
  CRC64_CHECK,
  encodeBlockHeader,
  encodeIndex,
  encodeStreamFooter,
  encodeStreamHeader,
} from "./xz-container.ts";

const MIB = 1024 * 1024;

/** By level: dictionaries as `xz -0` to `xz -9` have them. */
const EFFORTS: readonly Effort[] = [
  { dictionarySize: MIB / 4, depth: 4, nice: 32 },
  { dictionarySize: MIB, depth: 6, nice: 48 },
  { dictionarySize: 2 * MIB, depth: 8, nice: 64 },
  { dictionarySize: 4 * MIB, depth: 12, nice: 96 },
  { dictionarySize: 4 * MIB, depth: 16, nice: 128 },
  { dictionarySize: 8 * MIB, depth: 24, nice: 128 },
  { dictionarySize: 8 * MIB, depth: 48, nice: 273 },
  { dictionarySize: 16 * MIB, depth: 96, nice: 273 },
  { dictionarySize: 32 * MIB, depth: 192, nice: 273 },
  { dictionarySize: 64 * MIB, depth: 384, nice: 273 },
];

/** Bytes that are compressed at a time. */
const STEP = 64 * 1024;

/**
 * One xz stream with one block and CRC-64, as xz(1) writes it; no block when there are no bytes. The output depends
 * on data and level alone.
 */
export async function* encodeXz(input: ByteStream, level: number): ByteStream {
  await using reader = new ByteReader(input);
  const isEmpty = (await reader.fill(STEP)) === 0;
  yield encodeStreamHeader(CRC64_CHECK);
  const records = isEmpty ? [] : [yield* encodeBlock(reader, EFFORTS[level]!)];
  const index = encodeIndex(records);
  yield index;
  yield encodeStreamFooter(CRC64_CHECK, index.length);
}

async function* encodeBlock(reader: ByteReader, effort: Effort): AsyncGenerator<Bytes, BlockRecord> {
  const header = encodeBlockHeader(dictionaryByte(effort.dictionarySize));
  yield header;
  const checksum = createCrc64();
  async function* steps(): ByteStream {
    for (let there = await reader.fill(STEP); there > 0; there = await reader.fill(STEP)) {
      const piece = reader.take(Math.min(there, STEP));
      checksum.update(piece);
      yield piece;
    }
  }
  let packedSize = 0;
  for await (const piece of encodeLzma2(steps(), effort)) {
    packedSize += piece.length;
    yield piece;
  }
  const digest = checksum.digest();
  yield new Uint8Array(-packedSize & 3);
  yield digest;
  return { unpaddedSize: header.length + packedSize + digest.length, size: reader.position };
}

/** The property byte for a power of two from 4 KiB on. */
const dictionaryByte = (size: number): number => 2 * (Math.log2(size) - 12);
