import { getPublicKey, sign } from "@noble/ed25519";
import type { Bytes } from "../types.ts";
import { useSha512 } from "./sha512.ts";

/** The Ed25519 signature (64 bytes, RFC 8032) of `message` by a private seed (32 bytes). */
export function signWith(seed: Bytes, message: Bytes): Bytes {
  useSha512();
  return new Uint8Array(sign(message, seed));
}

/** The public key (32 bytes) of a private seed (32 bytes). */
export function publicKeyOf(seed: Bytes): Bytes {
  useSha512();
  return new Uint8Array(getPublicKey(seed));
}
