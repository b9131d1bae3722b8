import type { Bytes } from "../types.ts";

/**
 * Whether `signature` (64 bytes) is the Ed25519 signature (RFC 8032) of `message` by `publicKey` (32 bytes).
 * Never throws on bad input: what cannot be verified is not valid. WebCrypto judges, which is ten times faster to
 * start than a JavaScript implementation; where an engine has no Ed25519, `@noble/ed25519` does.
 */
export async function isSignedBy(publicKey: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
  if (publicKey.length !== 32 || signature.length !== 64 || isWeak(publicKey)) return false;
  try {
    const key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", key, signature, message);
  } catch (error) {
    if ((error as { name?: unknown }).name !== "NotSupportedError") return false;
    const { verifyPortably } = await import("./verify-portable.ts");
    return verifyPortably(publicKey, message, signature);
  }
}

/** The y coordinates of all points of order 1, 2, 4 and 8. */
const SMALL_ORDER = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/** All of 2^255 - 19 but its lowest byte, which is 0xed. */
const REST_OF_PRIME = `${"ff".repeat(30)}7f`;

/**
 * Keys that nobody's honest program makes. With a point of small order, signatures can be made that hold for many
 * messages and that nobody signed; a coordinate beyond the prime is a second spelling of another key. WebCrypto in
 * Bun 1.4.5 accepts both (`edge-cases.test.ts`).
 */
function isWeak(publicKey: Bytes): boolean {
  const y = publicKey.slice();
  y[31] = (y[31] as number) & 0x7f; // the top bit is the sign of x
  const hex = y.toHex();
  return SMALL_ORDER.has(hex) || (hex.endsWith(REST_OF_PRIME) && (y[0] as number) >= 0xed);
}
