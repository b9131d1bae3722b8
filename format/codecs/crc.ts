import type { Bytes } from "../types.ts";

/** Checksums of the bzip2 and xz formats, updated in pieces. */
export interface Checksum {
  update(bytes: Bytes): void;
  /** The checksum as it is stored. */
  digest(): Bytes;
}

const table32 = (polynomial: number): Uint32Array =>
  Uint32Array.from({ length: 256 }, (_, n) => {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    return crc;
  });

/** The reflected CRC-32 of gzip, xz and zip. */
const CRC32 = table32(0xedb88320);

export function crc32(bytes: Bytes): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = CRC32[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** The unreflected CRC-32 of bzip2: most significant bit first. */
export const BZIP2_CRC: Uint32Array = Uint32Array.from({ length: 256 }, (_, n) => {
  let crc = n << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});

export function createCrc32(): Checksum {
  let crc = 0xffffffff;
  return {
    update: (bytes) => {
      for (let i = 0; i < bytes.length; i++) crc = CRC32[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
    },
    digest: () => new Uint8Array(Uint32Array.of(~crc).buffer),
  };
}

/** CRC-64/XZ (ECMA-182, reflected), as two 32-bit halves: BigInt would take a hundred times as long. */
export function createCrc64(): Checksum {
  const { low: tableLow, high: tableHigh } = crc64Tables();
  let low = 0xffffffff;
  let high = 0xffffffff;
  return {
    update: (bytes) => {
      for (let i = 0; i < bytes.length; i++) {
        const index = (low ^ bytes[i]!) & 0xff;
        low = ((low >>> 8) | (high << 24)) ^ tableLow[index]!;
        high = (high >>> 8) ^ tableHigh[index]!;
      }
    },
    digest: () => new Uint8Array(Uint32Array.of(~low, ~high).buffer),
  };
}

let crc64Cache: { readonly low: Uint32Array; readonly high: Uint32Array } | undefined;

function crc64Tables(): { readonly low: Uint32Array; readonly high: Uint32Array } {
  if (crc64Cache === undefined) {
    const rows = Array.from({ length: 256 }, (_, n) => {
      let crc = BigInt(n);
      for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0xc96c5795d7870f42n : crc >> 1n;
      return crc;
    });
    crc64Cache = {
      low: Uint32Array.from(rows, (row) => Number(row & 0xffffffffn)),
      high: Uint32Array.from(rows, (row) => Number(row >> 32n)),
    };
  }
  return crc64Cache;
}
