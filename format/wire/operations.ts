import { PspfError } from "../errors.ts";
import { MAX_OPERATIONS } from "../spec.ts";

interface Operation {
  readonly code: number;
  readonly family: string;
}

/**
 * Every code of the operations registry (FEP-0003). NONE (0x00) is no row: a zero byte is not an operation, it ends
 * a chain. Most rows are names only; `SUPPORTED` says what this program runs.
 */
export const OPERATIONS = {
  TAR: { code: 0x01, family: "bundle" },
  TAR_SORTED: { code: 0x02, family: "bundle" },
  TAR_STREAM: { code: 0x03, family: "bundle" },
  CPIO: { code: 0x04, family: "bundle" },
  CPIO_NEWC: { code: 0x05, family: "bundle" },
  AR: { code: 0x06, family: "bundle" },
  AR_BSD: { code: 0x07, family: "bundle" },
  ZIP_STORE: { code: 0x08, family: "bundle" },
  ZIP_STREAM: { code: 0x09, family: "bundle" },
  "7Z": { code: 0x0a, family: "bundle" },
  RAR: { code: 0x0b, family: "bundle" },
  PAX: { code: 0x0c, family: "bundle" },
  USTAR: { code: 0x0d, family: "bundle" },
  GZIP: { code: 0x10, family: "compression" },
  GZIP_FAST: { code: 0x11, family: "compression" },
  GZIP_BEST: { code: 0x12, family: "compression" },
  BZIP2: { code: 0x13, family: "compression" },
  BZIP2_FAST: { code: 0x14, family: "compression" },
  BZIP2_BEST: { code: 0x15, family: "compression" },
  XZ: { code: 0x16, family: "compression" },
  XZ_FAST: { code: 0x17, family: "compression" },
  XZ_BEST: { code: 0x18, family: "compression" },
  LZMA: { code: 0x19, family: "compression" },
  LZMA2: { code: 0x1a, family: "compression" },
  ZSTD: { code: 0x1b, family: "compression" },
  ZSTD_FAST: { code: 0x1c, family: "compression" },
  ZSTD_BEST: { code: 0x1d, family: "compression" },
  LZ4: { code: 0x1e, family: "compression" },
  LZ4_HC: { code: 0x1f, family: "compression" },
  SNAPPY: { code: 0x20, family: "compression" },
  BROTLI: { code: 0x21, family: "compression" },
  BROTLI_TEXT: { code: 0x22, family: "compression" },
  DEFLATE: { code: 0x23, family: "compression" },
  DEFLATE64: { code: 0x24, family: "compression" },
  PPM: { code: 0x25, family: "compression" },
  PPMD: { code: 0x26, family: "compression" },
  AES128_GCM: { code: 0x30, family: "encryption" },
  AES256_GCM: { code: 0x31, family: "encryption" },
  AES128_CBC: { code: 0x32, family: "encryption" },
  AES256_CBC: { code: 0x33, family: "encryption" },
  AES128_CTR: { code: 0x34, family: "encryption" },
  AES256_CTR: { code: 0x35, family: "encryption" },
  CHACHA20_POLY1305: { code: 0x36, family: "encryption" },
  XCHACHA20_POLY1305: { code: 0x37, family: "encryption" },
  SALSA20: { code: 0x38, family: "encryption" },
  XSALSA20_POLY1305: { code: 0x39, family: "encryption" },
  RSA_2048: { code: 0x3a, family: "encryption" },
  RSA_4096: { code: 0x3b, family: "encryption" },
  ED25519: { code: 0x3c, family: "encryption" },
  X25519: { code: 0x3d, family: "encryption" },
  SECP256K1: { code: 0x3e, family: "encryption" },
  SECP256R1: { code: 0x3f, family: "encryption" },
  NACL_BOX: { code: 0x40, family: "encryption" },
  NACL_SECRETBOX: { code: 0x41, family: "encryption" },
  AGE: { code: 0x42, family: "encryption" },
  PGP: { code: 0x43, family: "encryption" },
  BASE64: { code: 0x50, family: "encoding" },
  BASE64_URL: { code: 0x51, family: "encoding" },
  BASE32: { code: 0x52, family: "encoding" },
  BASE16: { code: 0x53, family: "encoding" },
  HEX: { code: 0x54, family: "encoding" },
  ASCII85: { code: 0x55, family: "encoding" },
  UUENCODE: { code: 0x56, family: "encoding" },
  XXENCODE: { code: 0x57, family: "encoding" },
  QUOTED_PRINTABLE: { code: 0x58, family: "encoding" },
  PUNYCODE: { code: 0x59, family: "encoding" },
  PERCENT: { code: 0x5a, family: "encoding" },
  SHA256: { code: 0x70, family: "hash" },
  SHA512: { code: 0x71, family: "hash" },
  SHA3_256: { code: 0x72, family: "hash" },
  SHA3_512: { code: 0x73, family: "hash" },
  BLAKE2B: { code: 0x74, family: "hash" },
  BLAKE2S: { code: 0x75, family: "hash" },
  BLAKE3: { code: 0x76, family: "hash" },
  MD5: { code: 0x77, family: "hash" },
  SHA1: { code: 0x78, family: "hash" },
  XXHASH: { code: 0x79, family: "hash" },
  XXHASH3: { code: 0x7a, family: "hash" },
  SIPHASH: { code: 0x7b, family: "hash" },
  HIGHWAYHASH: { code: 0x7c, family: "hash" },
  ADLER32: { code: 0x7d, family: "hash" },
  CRC32: { code: 0x7e, family: "hash" },
  CRC64: { code: 0x7f, family: "hash" },
  ED25519_SIGN: { code: 0x90, family: "signature" },
  RSA_PSS: { code: 0x91, family: "signature" },
  RSA_PKCS1: { code: 0x92, family: "signature" },
  ECDSA_P256: { code: 0x93, family: "signature" },
  ECDSA_P384: { code: 0x94, family: "signature" },
  ECDSA_P521: { code: 0x95, family: "signature" },
  EDDSA: { code: 0x96, family: "signature" },
  HMAC_SHA256: { code: 0x97, family: "signature" },
  HMAC_SHA512: { code: 0x98, family: "signature" },
  SPLIT: { code: 0xb0, family: "transformation" },
  MERGE: { code: 0xb1, family: "transformation" },
  DEDUPE: { code: 0xb2, family: "transformation" },
  DELTA: { code: 0xb3, family: "transformation" },
  PATCH: { code: 0xb4, family: "transformation" },
  TERMINAL: { code: 0xff, family: "terminal" },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof OPERATIONS;

/** The operations that this program can apply and undo. */
export const SUPPORTED = ["TAR", "GZIP", "BZIP2", "XZ", "ZSTD"] as const satisfies readonly OperationName[];

/** Whole chains that have a name of their own, and the names of the empty one. */
const ALIASES: Readonly<Record<string, readonly OperationName[]>> = {
  "": [],
  RAW: [],
  NONE: [],
  TGZ: ["TAR", "GZIP"],
  "TAR.GZ": ["TAR", "GZIP"],
  TBZ2: ["TAR", "BZIP2"],
  "TAR.BZ2": ["TAR", "BZIP2"],
  TXZ: ["TAR", "XZ"],
  "TAR.XZ": ["TAR", "XZ"],
  TZST: ["TAR", "ZSTD"],
  "TAR.ZST": ["TAR", "ZSTD"],
};

const isOperationName = (name: string): name is OperationName => Object.hasOwn(OPERATIONS, name);

/** A chain as the u64 of a slot descriptor: one byte each, the operation applied first in the lowest byte. */
export function packOperations(chain: readonly OperationName[]): bigint {
  checkLength(chain);
  let packed = 0n;
  for (const [i, name] of chain.entries()) packed |= BigInt(OPERATIONS[name].code) << BigInt(8 * i);
  return packed;
}

/**
 * The chain in a u64; the first zero byte ends it. Throws `layout-invalid` when something follows that byte, and
 * `operation-unsupported` for codes without a name.
 */
export function unpackOperations(packed: bigint): readonly OperationName[] {
  const chain: OperationName[] = [];
  let rest = packed;
  for (; (rest & 0xffn) !== 0n; rest >>= 8n) chain.push(nameOf(Number(rest & 0xffn)));
  if (rest !== 0n)
    throw new PspfError(
      "layout-invalid",
      `Cannot use the operations 0x${packed.toString(16).padStart(16, "0")}: an operation follows the end of the list`,
    );
  return chain;
}

/**
 * A chain as manifests and metadata spell it, in any case: "", raw, none, an abbreviation such as tgz or tar.zst, or
 * registry names joined with "|" or ",". Throws `operation-unsupported` and names the word that it does not know.
 */
export function parseOperations(text: string): readonly OperationName[] {
  const whole = text.trim().toUpperCase();
  const alias = Object.hasOwn(ALIASES, whole) ? ALIASES[whole] : undefined;
  if (alias !== undefined) return alias;
  const chain = whole.split(/[|,]/).map((part) => {
    const word = part.trim();
    if (isOperationName(word)) return word;
    throw unsupported(`the operation ${JSON.stringify(word.toLowerCase())} is not in the registry`);
  });
  checkLength(chain);
  return chain;
}

/** A chain for people and for our own metadata: "raw", or lower-case names joined with "|". */
export const formatOperations = (chain: readonly OperationName[]): string =>
  chain.length === 0 ? "raw" : chain.join("|").toLowerCase();

/** As `formatOperations`, but in the one spelling that all FlavorPack implementations read: raw, tar, gzip, tgz. */
export function formatOperationsStrict(chain: readonly OperationName[]): string {
  const text = formatOperations(chain);
  return text === "tar|gzip" ? "tgz" : text;
}

/** Throws `operation-unsupported` unless we can run the whole chain: known operations only, TAR only in front. */
export function checkSupported(chain: readonly OperationName[]): void {
  checkLength(chain);
  for (const [i, name] of chain.entries()) {
    if (!(SUPPORTED as readonly OperationName[]).includes(name))
      throw unsupported(
        `the operation ${name.toLowerCase()} (${describe(OPERATIONS[name].code)}) is not implemented`,
      );
    if (name === "TAR" && i > 0) throw unsupported("tar is not the first operation");
  }
}

function nameOf(code: number): OperationName {
  for (const [name, operation] of Object.entries(OPERATIONS))
    if (operation.code === code) return name as OperationName;
  const kind = code >= 0xf0 ? "vendor" : code >= 0xd0 ? "custom" : "reserved";
  throw unsupported(`operation ${describe(code)} (${kind}) is unknown`);
}

function checkLength(chain: readonly OperationName[]): void {
  if (chain.length > MAX_OPERATIONS)
    throw unsupported(`there are ${chain.length} operations, at most ${MAX_OPERATIONS} fit`);
}

const describe = (code: number): string => `0x${code.toString(16).padStart(2, "0")}`;

const unsupported = (state: string): PspfError =>
  new PspfError("operation-unsupported", `Cannot use this chain of operations: ${state}`, {
    hint: `use a chain of ${formatOperations(SUPPORTED).replaceAll("|", ", ")}, such as "tar|zstd"`,
  });
