import { PspfError } from "../errors.ts";
import type { Bytes } from "../types.ts";
import { sha256 } from "../wire/hashes.ts";
import { publicKeyOf } from "./sign.ts";

/** An Ed25519 pair, both halves as 32 raw bytes. */
export interface KeyPair {
  readonly seed: Bytes;
  readonly publicKey: Bytes;
}

export const keyPairOf = (seed: Bytes): KeyPair => ({ seed, publicKey: publicKeyOf(seed) });

/** A fresh pair from the system's randomness. */
export const generateKeyPair = (): KeyPair => keyPairOf(crypto.getRandomValues(new Uint8Array(32)));

/** The pair of a `--key-seed` text: the private seed is SHA-256 of its UTF-8 bytes, as in all of FlavorPack. */
export const keyPairFromText = (text: string): KeyPair => keyPairOf(sha256(text));

/** PKCS#8 (RFC 8410, section 7): everything before the 32 bytes of the seed. */
const PKCS8_HEAD = Uint8Array.fromHex("302e020100300506032b657004220420") as Bytes;
/** SubjectPublicKeyInfo (RFC 8410, section 4): everything before the 32 bytes of the key. */
const SPKI_HEAD = Uint8Array.fromHex("302a300506032b6570032100") as Bytes;

export const privateKeyPem = (seed: Bytes): string => pem("PRIVATE KEY", PKCS8_HEAD, seed);
export const publicKeyPem = (publicKey: Bytes): string => pem("PUBLIC KEY", SPKI_HEAD, publicKey);

function pem(label: string, head: Bytes, key: Bytes): string {
  const der = new Uint8Array([...head, ...key]);
  return `-----BEGIN ${label}-----\n${der.toBase64()}\n-----END ${label}-----\n`;
}

/** A private key file (PEM PKCS#8, PEM with raw bytes, or 32 raw bytes) as a seed; `key-invalid` for others. */
export const readPrivateKey = (file: Bytes, name: string): Bytes =>
  readKey(file, name, { what: "private", labels: ["PRIVATE KEY", "ED25519 PRIVATE KEY"], head: PKCS8_HEAD });

/** A public key file (PEM SubjectPublicKeyInfo, PEM with raw bytes, or 32 raw bytes); `key-invalid` for others. */
export const readPublicKey = (file: Bytes, name: string): Bytes =>
  readKey(file, name, { what: "public", labels: ["PUBLIC KEY", "ED25519 PUBLIC KEY"], head: SPKI_HEAD });

interface KeyForm {
  readonly what: "private" | "public";
  readonly labels: readonly string[];
  readonly head: Bytes;
}

const PEM = /^\s*-----BEGIN ([A-Z0-9 ]+)-----\s+([A-Za-z0-9+/=\s]+?)-----END \1-----\s*$/;

function readKey(file: Bytes, name: string, form: KeyForm): Bytes {
  if (file.length === 32) return file.slice();
  const refuse = (state: string) =>
    new PspfError("key-invalid", `Cannot use ${name} as a ${form.what} key: ${state}`, {
      hint: `a ${form.what} key is an Ed25519 key in PEM, as "flavor keygen" writes it, or 32 raw bytes`,
    });
  const match = PEM.exec(new TextDecoder("latin1").decode(file.subarray(0, 4096)));
  if (match === null) throw refuse("it is neither PEM nor 32 raw bytes");
  const [, label = "", body = ""] = match;
  if (!form.labels.includes(label)) throw refuse(`it is a "${label}"`);
  let der: Bytes;
  try {
    der = Uint8Array.fromBase64(body.replace(/\s/g, ""));
  } catch (cause) {
    throw refuse(`its base64 is damaged (${(cause as Error).message})`);
  }
  if (der.length === 32) return der;
  if (der.length === form.head.length + 32 && form.head.every((byte, i) => der[i] === byte))
    return der.slice(form.head.length);
  throw refuse("it is not an Ed25519 key");
}
