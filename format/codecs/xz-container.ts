import type { Bytes } from "../types.ts";
import { type Checksum, crc32, createCrc32, createCrc64 } from "./crc.ts";

/** Names of the .xz file format 1.2 that writer and reader share. */
export const STREAM_MAGIC: Bytes = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00);
const FOOTER_MAGIC: Bytes = Uint8Array.of(0x59, 0x5a);
export const STREAM_HEADER_SIZE = 12;
export const LZMA2_FILTER = 0x21;

const NO_CHECKSUM: Checksum = { update: () => undefined, digest: () => new Uint8Array(0) };

/** The checks that we compute, by their ids; the format knows no others by name. */
export const CHECKS: Readonly<Record<number, () => Checksum>> = {
  0: () => NO_CHECKSUM,
  1: createCrc32,
  4: createCrc64,
  10: createSha256,
};
export const CRC64_CHECK = 4;

function createSha256(): Checksum {
  const hasher = new Bun.CryptoHasher("sha256");
  return { update: (bytes) => void hasher.update(bytes), digest: () => new Uint8Array(hasher.digest()) };
}

/** What the index records of each block. */
export interface BlockRecord {
  readonly unpaddedSize: number;
  readonly size: number;
}

/** Seven bits a byte, lowest first, at most nine bytes. */
export function encodeVarint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

/** The index with padding and checksum; the sizes of all blocks, in order. */
export function encodeIndex(records: readonly BlockRecord[]): Bytes {
  const body = [0, ...encodeVarint(records.length)];
  for (const record of records) body.push(...encodeVarint(record.unpaddedSize), ...encodeVarint(record.size));
  while (body.length % 4 !== 0) body.push(0);
  return withCrc32(Uint8Array.from(body));
}

export const encodeStreamHeader = (check: number): Bytes => {
  const flags = Uint8Array.of(0, check);
  return Uint8Array.of(...STREAM_MAGIC, ...flags, ...le32(crc32(flags)));
};

export const encodeStreamFooter = (check: number, indexSize: number): Bytes => {
  const fields = Uint8Array.of(...le32(indexSize / 4 - 1), 0, check);
  return Uint8Array.of(...le32(crc32(fields)), ...fields, ...FOOTER_MAGIC);
};

/** The header of a block with one filter, LZMA2, and no sizes. */
export const encodeBlockHeader = (dictionaryByte: number): Bytes =>
  withCrc32(Uint8Array.of(2, 0, LZMA2_FILTER, 1, dictionaryByte, 0, 0, 0));

export const le32 = (value: number): Bytes => new Uint8Array(Uint32Array.of(value).buffer);

export const readLe32 = (bytes: Bytes, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);

export const sameBytes = (a: Bytes, b: Bytes): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

function withCrc32(body: Bytes): Bytes {
  const whole = new Uint8Array(body.length + 4);
  whole.set(body);
  whole.set(le32(crc32(body)), body.length);
  return whole;
}
