import { verify } from "@noble/ed25519";
import type { Bytes } from "../types.ts";
import { useSha512 } from "./sha512.ts";

/**
 * The same judgement in JavaScript, with the strict rules of RFC 8032 (not ZIP215), so that both verifiers agree on
 * points of small order and on encodings that are not canonical.
 */
export function verifyPortably(publicKey: Bytes, message: Bytes, signature: Bytes): boolean {
  useSha512();
  try {
    return verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
}
