import type { Package } from "../reader.ts";
import { toHex } from "../wire/hashes.ts";
import { isZero } from "../wire/zeros.ts";
import { isSignedBy } from "./verify.ts";

export type Seal = "valid" | "invalid" | "missing";

/** Whether the metadata carries a signature by the key that the index names. Whose key that is, is not asked here. */
export async function sealOf({ index, json }: Pick<Package, "index" | "json">): Promise<Seal> {
  const { publicKey, signature, signatureRest } = index.raw;
  if (isZero(publicKey) && isZero(signature)) return "missing";
  const valid = isZero(signatureRest) && (await isSignedBy(publicKey, json, signature));
  return valid ? "valid" : "invalid";
}

/** A public key as people compare it: the first 16 hex digits would do for the eye, all 64 for a decision. */
export const signerOf = ({ index }: Pick<Package, "index">): string => toHex(index.raw.publicKey);
