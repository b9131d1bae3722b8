import { createCipheriv, createDecipheriv, pbkdf2Sync, randomBytes, scryptSync } from "node:crypto";
import { PspfError } from "../errors.ts";
import type { Bytes } from "../types.ts";
import { DerError, type DerReader, der, derInteger, readDer, TAG } from "./der.ts";
import { ENCRYPTED_LABEL, parsePrivateKey, privateKeyDer } from "./keys.ts";
import { readPem, writePem } from "./pem.ts";

// Bun 1.4.5 can write such files with node:crypto, but with 2048 iterations only, and reads neither scrypt nor
// SHA-512 ones, which OpenSSL writes.

const oid = (hex: string): Bytes => Uint8Array.fromHex(hex) as Bytes;
/** RFC 8018, appendix A. */
const PBES2 = oid("2a864886f70d01050d");
const PBKDF2 = oid("2a864886f70d01050c");
/** RFC 7914, section 7. */
const SCRYPT = oid("2b06010401da47040b");
const HMAC_SHA256 = oid("2a864886f70d0209");
const AES_256_CBC = oid("60864801650304012a");

/** RFC 8018, appendix B.1.2; a file that names none means SHA-1. */
const DIGESTS: ReadonlyMap<string, string> = new Map([
  ["2a864886f70d0207", "sha1"],
  [HMAC_SHA256.toHex(), "sha256"],
  ["2a864886f70d020a", "sha384"],
  ["2a864886f70d020b", "sha512"],
]);

interface Cipher {
  readonly name: string;
  readonly keySize: number;
}

const CIPHERS: ReadonlyMap<string, Cipher> = new Map([
  ["608648016503040102", { name: "aes-128-cbc", keySize: 16 }],
  ["608648016503040116", { name: "aes-192-cbc", keySize: 24 }],
  [AES_256_CBC.toHex(), { name: "aes-256-cbc", keySize: 32 }],
]);

/** As many as OWASP asks for with SHA-256; a tenth of a second for the owner, for each guess of a thief as well. */
const ITERATIONS = 600_000;

/** What reading may cost: seconds, and 256 MB. A key file that asks for more was not made for use. */
const MAX_ITERATIONS = 8_000_000;
const MAX_SCRYPT_MEMORY = 256 * 1024 * 1024;

/**
 * A seed as encrypted PKCS#8 in PEM (RFC 5958, section 3): PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC, which all
 * versions of OpenSSL, LibreSSL and BoringSSL read. `passphrase` is used as UTF-8.
 */
export function encryptPrivateKey(seed: Bytes, passphrase: string): string {
  const [salt, iv] = [new Uint8Array(randomBytes(16)), new Uint8Array(randomBytes(16))];
  const key = pbkdf2Sync(passphrase, salt, ITERATIONS, 32, "sha256");
  const cipher = createCipheriv("aes-256-cbc", key, iv);
  const secret = [...cipher.update(privateKeyDer(seed)), ...cipher.final()];
  const named = (id: Bytes, ...parameters: readonly Bytes[]) =>
    der(TAG.sequence, der(TAG.oid, id), ...parameters);
  const derivation = der(
    TAG.sequence,
    der(TAG.octets, salt),
    derInteger(ITERATIONS),
    named(HMAC_SHA256, der(TAG.null)),
  );
  const scheme = der(TAG.sequence, named(PBKDF2, derivation), named(AES_256_CBC, der(TAG.octets, iv)));
  return writePem(ENCRYPTED_LABEL, der(TAG.sequence, named(PBES2, scheme), der(TAG.octets, secret)));
}

/**
 * The seed in a file that `isEncryptedKey`. Reads PBES2 with PBKDF2 or scrypt and AES-CBC; throws `key-invalid` for a
 * wrong passphrase, other containers, and keys that are not Ed25519. No error shows anything of the content.
 */
export function decryptPrivateKey(file: Bytes, name: string, passphrase: string): Bytes {
  const refuse = (state: string, hint?: string) =>
    new PspfError(
      "key-invalid",
      `Cannot decrypt the private key ${name}: ${state}`,
      hint === undefined ? {} : { hint },
    );
  const { secret, cipher, iv, derive } = readContainer(file, refuse);
  const plain = decrypt(secret, cipher, derive(passphrase, cipher.keySize), iv);
  // One wrong passphrase in 256 gives a padding that looks right, but no PKCS#8.
  if (plain === undefined || plain[0] !== TAG.sequence)
    throw refuse("the passphrase is wrong, or the file is damaged");
  const seed = parsePrivateKey(plain, refuse);
  if (seed === undefined) throw refuse("it is not an Ed25519 key");
  return seed;
}

interface Container {
  readonly secret: Bytes;
  readonly cipher: Cipher;
  readonly iv: Bytes;
  readonly derive: Derive;
}

type Derive = (passphrase: string, size: number) => Bytes;
type Refuse = (state: string, hint?: string) => PspfError;

function readContainer(file: Bytes, refuse: Refuse): Container {
  try {
    const whole = readDer(Uint8Array.fromBase64((readPem(file)?.body ?? "").replace(/\s/g, "")) as Bytes);
    const info = whole.sequence();
    whole.end();
    const algorithm = info.sequence();
    const secret = info.take(TAG.octets);
    if (algorithm.take(TAG.oid).toHex() !== PBES2.toHex()) throw unknown(refuse, "encryption");
    const scheme = algorithm.sequence();
    const derive = readDerivation(scheme.sequence(), refuse);
    const encryption = scheme.sequence();
    const cipher = CIPHERS.get(encryption.take(TAG.oid).toHex());
    if (cipher === undefined) throw unknown(refuse, "cipher");
    const iv = encryption.take(TAG.octets);
    if (iv.length !== 16) throw new DerError("expected 16 bytes");
    return { secret, cipher, iv, derive };
  } catch (error) {
    if (error instanceof PspfError) throw error;
    throw refuse("it is not encrypted PKCS#8, or damaged");
  }
}

const unknown = (refuse: Refuse, what: string): PspfError =>
  refuse(
    `its ${what} is not supported`,
    '"openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW" writes one that is',
  );

function readDerivation(algorithm: DerReader, refuse: Refuse): Derive {
  const id = algorithm.take(TAG.oid).toHex();
  const parameters = algorithm.sequence();
  if (id === PBKDF2.toHex()) return readPbkdf2(parameters, refuse);
  if (id === SCRYPT.toHex()) return readScrypt(parameters, refuse);
  throw unknown(refuse, "key derivation");
}

function readPbkdf2(parameters: DerReader, refuse: Refuse): Derive {
  const salt = parameters.take(TAG.octets);
  const iterations = parameters.integer();
  if (parameters.next === TAG.integer) parameters.integer(); // the key's length, which the cipher says as well
  const digest =
    parameters.next === undefined ? "sha1" : DIGESTS.get(parameters.sequence().take(TAG.oid).toHex());
  if (digest === undefined) throw unknown(refuse, "hash function");
  if (iterations < 1 || iterations > MAX_ITERATIONS)
    throw refuse(`it asks for ${iterations} iterations, at most ${MAX_ITERATIONS} are done`);
  return (passphrase, size) => new Uint8Array(pbkdf2Sync(passphrase, salt, iterations, size, digest));
}

function readScrypt(parameters: DerReader, refuse: Refuse): Derive {
  const salt = parameters.take(TAG.octets);
  const [N, r, p] = [parameters.integer(), parameters.integer(), parameters.integer()];
  const memory = 128 * r * (N + p);
  // each of the p rounds works through all of it
  if (memory > MAX_SCRYPT_MEMORY || memory * p > 4 * MAX_SCRYPT_MEMORY)
    throw refuse("it asks for more memory or time than a key needs");
  if (N < 2 || (N & (N - 1)) !== 0 || r < 1 || p < 1) throw new DerError("no parameters of scrypt");
  const cost = { N, r, p, maxmem: 2 * MAX_SCRYPT_MEMORY };
  return (passphrase, size) => new Uint8Array(scryptSync(passphrase, salt, size, cost));
}

/** Undefined when the padding is wrong. */
function decrypt(secret: Bytes, { name }: Cipher, key: Bytes, iv: Bytes): Bytes | undefined {
  const decipher = createDecipheriv(name, key, iv);
  try {
    return new Uint8Array([...decipher.update(secret), ...decipher.final()]);
  } catch {
    return undefined;
  }
}
