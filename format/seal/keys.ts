import { PspfError } from "../errors.ts";
import type { Bytes } from "../types.ts";
import { sameBytes, sha256 } from "../wire/hashes.ts";
import { DerError, readDer, TAG } from "./der.ts";
import { readPem, writePem } from "./pem.ts";
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

/** A seed as unencrypted PKCS#8, in DER. */
export const privateKeyDer = (seed: Bytes): Bytes => new Uint8Array([...PKCS8_HEAD, ...seed]);
export const privateKeyPem = (seed: Bytes): string => writePem("PRIVATE KEY", privateKeyDer(seed));
export const publicKeyPem = (publicKey: Bytes): string =>
  writePem("PUBLIC KEY", new Uint8Array([...SPKI_HEAD, ...publicKey]));

/** Of PKCS#8 that a passphrase protects (RFC 7468, section 11). */
export const ENCRYPTED_LABEL = "ENCRYPTED PRIVATE KEY";

/** Whether a private key file needs a passphrase: `decryptPrivateKey` reads it then. */
export const isEncryptedKey = (file: Bytes): boolean =>
  file.length !== 32 && readPem(file)?.label === ENCRYPTED_LABEL;

/** A private key file (PEM PKCS#8, PEM with raw bytes, or 32 raw bytes) as a seed; `key-invalid` for others. */
export const readPrivateKey = (file: Bytes, name: string): Bytes =>
  readKey(file, name, {
    what: "private",
    labels: ["PRIVATE KEY", "ED25519 PRIVATE KEY"],
    parse: parsePrivateKey,
  });

/** A public key file (PEM SubjectPublicKeyInfo, PEM with raw bytes, or 32 raw bytes); `key-invalid` for others. */
export const readPublicKey = (file: Bytes, name: string): Bytes =>
  readKey(file, name, {
    what: "public",
    labels: ["PUBLIC KEY", "ED25519 PUBLIC KEY"],
    parse: parsePublicKey,
  });

interface KeyForm {
  readonly what: "private" | "public";
  readonly labels: readonly string[];
  /** The key in its DER, or undefined when that is something else. */
  readonly parse: (der: Bytes, refuse: (state: string) => PspfError) => Bytes | undefined;
}

function readKey(file: Bytes, name: string, form: KeyForm): Bytes {
  if (file.length === 32) return file.slice();
  const refuse = (state: string) =>
    new PspfError("key-invalid", `Cannot use ${name} as a ${form.what} key: ${state}`, {
      hint: `a ${form.what} key is an Ed25519 key in PEM, as "flavor keygen" writes it, or 32 raw bytes`,
    });
  const pem = readPem(file);
  if (pem === undefined) throw refuse("it is neither PEM nor 32 raw bytes");
  if (!form.labels.includes(pem.label)) throw refuse(`it is a "${pem.label}"`);
  let der: Bytes;
  try {
    der = Uint8Array.fromBase64(pem.body.replace(/\s/g, ""));
  } catch {
    // what the decoder says could quote the key
    throw refuse("its base64 is damaged");
  }
  const key = der.length === 32 ? der : form.parse(der, refuse);
  if (key === undefined) throw refuse("it is not an Ed25519 key");
  return key;
}

function parsePublicKey(der: Bytes): Bytes | undefined {
  const isOne = der.length === SPKI_HEAD.length + 32 && SPKI_HEAD.every((byte, i) => der[i] === byte);
  return isOne ? der.slice(SPKI_HEAD.length) : undefined;
}

const ED25519 = Uint8Array.fromHex("2b6570") as Bytes;

/** The tags of what may follow a key in PKCS#8 (RFC 5958, section 2). */
const ATTRIBUTES = 0xa0;
const PUBLIC_KEY = 0x81;

/**
 * The seed in PKCS#8 (RFC 5958), or undefined when that holds something else. Throws what `refuse` makes for a seed
 * beside the public key of another one.
 */
export function parsePrivateKey(der: Bytes, refuse: (state: string) => PspfError): Bytes | undefined {
  try {
    const file = readDer(der);
    const info = file.sequence();
    file.end();
    info.integer();
    const algorithm = info.sequence();
    if (!sameBytes(algorithm.take(TAG.oid), ED25519)) return undefined;
    algorithm.end();
    const inner = readDer(info.take(TAG.octets));
    const seed = inner.take(TAG.octets);
    inner.end();
    if (seed.length !== 32) return undefined;
    if (info.next === ATTRIBUTES) info.take(ATTRIBUTES);
    if (info.next === PUBLIC_KEY && !sameBytes(info.take(PUBLIC_KEY).slice(1), publicKeyOf(seed)))
      throw refuse("the public key in it is that of another one");
    info.end();
    return seed;
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
