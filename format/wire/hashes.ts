import type { Bytes, Sha256 } from "../types.ts";

/** Adler-32 (RFC 1950, section 8.2) as an unsigned 32-bit number. */
export const adler32 = (input: Bytes): number => Bun.hash.adler32(input);

export const sha256 = (input: Bytes | string): Bytes =>
  new Uint8Array(new Bun.CryptoHasher("sha256").update(input).digest()) as Bytes;

export const sha256Hex = (input: Bytes | string): Sha256 =>
  Bun.CryptoHasher.hash("sha256", input, "hex") as Sha256;

/** A SHA-256 that is fed in pieces; `hex()` ends it. */
export function sha256Stream(): { update(piece: Bytes): void; hex(): Sha256 } {
  const hasher = new Bun.CryptoHasher("sha256");
  return { update: (piece) => void hasher.update(piece), hex: () => hasher.digest("hex") as Sha256 };
}

/** The first eight digest bytes as a little-endian u64: the form of a descriptor's `checksum` and `name_hash`. */
export const digestPrefix = (digest: Bytes): bigint =>
  new DataView(digest.buffer, digest.byteOffset, 8).getBigUint64(0, true);

export const nameHash = (name: string): bigint => digestPrefix(sha256(name));

export const isSha256 = (text: string): text is Sha256 => /^[0-9a-f]{64}$/.test(text);

export const toHex = (input: Bytes): string => input.toHex();

/** Equality of two byte strings that are no secrets. */
export const sameBytes = (a: Bytes, b: Bytes): boolean => a.length === b.length && hasBytesAt(a, b, 0);

/** Whether a part of a byte string is another one. */
export function hasBytesAt(all: Bytes, part: Bytes, at: number): boolean {
  for (let i = 0; i < part.length; i++) if (all[at + i] !== part[i]) return false;
  return true;
}
