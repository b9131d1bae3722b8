import { readFileSync } from "node:fs";
import { PspfError } from "../format/errors.ts";
import { doing } from "../format/io/fs.ts";
import {
  generateKeyPair,
  type KeyPair,
  keyPairFromText,
  keyPairOf,
  readPrivateKey,
  readPublicKey,
} from "../format/seal/keys.ts";
import type { Bytes } from "../format/types.ts";
import { sameBytes, toHex } from "../format/wire/hashes.ts";

/** Where the signing key comes from. At most one of seed and files; with neither, a key is made for this build. */
export interface KeyChoice {
  /** Text whose SHA-256 is the private seed. */
  readonly keySeed?: string;
  /** Path of a PEM or raw private key. */
  readonly privateKey?: string;
  /** Path of its public half, only to be compared. */
  readonly publicKey?: string;
}

export interface Signer extends KeyPair {
  /** "ephemeral": nobody can sign a later version with the same key. */
  readonly origin: "seed" | "file" | "ephemeral";
}

/** The pair to sign with. Throws `key-invalid` for files that are no keys, and for two halves of different
 * pairs; `bad-arguments` for a choice that makes no sense. */
export function chooseSigner({ keySeed, privateKey, publicKey }: KeyChoice): Signer {
  if (keySeed !== undefined && (privateKey !== undefined || publicKey !== undefined))
    throw new PspfError(
      "bad-arguments",
      "Cannot sign with a key seed and with key files: one of them is enough",
    );
  if (keySeed === "")
    throw new PspfError("bad-arguments", "Cannot sign with an empty key seed: anybody could make its key", {
      hint: "is the variable that should hold it set?",
    });
  if (keySeed !== undefined) return { ...keyPairFromText(keySeed), origin: "seed" };
  if (privateKey === undefined) {
    if (publicKey !== undefined)
      throw new PspfError("bad-arguments", "Cannot sign with a public key alone: --private-key is missing");
    return { ...generateKeyPair(), origin: "ephemeral" };
  }
  const pair = keyPairOf(readPrivateKey(readKeyFile(privateKey), privateKey));
  if (publicKey !== undefined && !sameBytes(readPublicKey(readKeyFile(publicKey), publicKey), pair.publicKey))
    throw new PspfError("key-invalid", `Cannot sign: ${publicKey} is not the public key of ${privateKey}`, {
      hint: `the public key of that private key is ${toHex(pair.publicKey)}`,
    });
  return { ...pair, origin: "file" };
}

const readKeyFile = (path: string): Bytes =>
  new Uint8Array(doing("read the key", path, () => readFileSync(path)));
