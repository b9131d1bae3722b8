import { hash, Point } from "@noble/ed25519";
import type { Bytes } from "../types.ts";
import { sameBytes } from "../wire/hashes.ts";
import { useSha512 } from "./sha512.ts";

/**
 * The same judgement in JavaScript. `verify` of `@noble/ed25519` is not asked: it multiplies the equation of RFC 8032
 * (section 5.1.7) by the cofactor 8 and so holds signatures for valid that WebCrypto does not, where key or signature
 * have a part of small order. Here is the equation without the cofactor, on its arithmetic.
 */
export function verifyPortably(publicKey: Bytes, message: Bytes, signature: Bytes): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  useSha512();
  const [r, s] = [signature.subarray(0, 32), littleEndian(signature.subarray(32))];
  const { n: order } = Point.CURVE();
  if (s >= order) return false;
  let a: Point;
  try {
    a = Point.fromBytes(publicKey); // refuses encodings that are not canonical
  } catch {
    return false;
  }
  if (a.isSmallOrder()) return false;
  const k = littleEndian(hash(new Uint8Array([...r, ...publicKey, ...message]))) % order;
  const expected = Point.BASE.multiply(s, false).subtract(a.multiply(k, false));
  return sameBytes(new Uint8Array(expected.toBytes()), r);
}

const littleEndian = (bytes: Uint8Array): bigint => BigInt(`0x${bytes.toReversed().toHex()}`);
