import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PspfError } from "../format/errors.ts";
import { doing } from "../format/io/fs.ts";
import { encryptPrivateKey } from "../format/seal/encrypted-key.ts";
import { generateKeyPair, privateKeyPem, publicKeyPem } from "../format/seal/keys.ts";
import { toHex } from "../format/wire/hashes.ts";

export interface GeneratedKeys {
  readonly privateKey: string;
  readonly publicKey: string;
  /** The public key itself, 64 hex digits. */
  readonly fingerprint: string;
  /** Whether the private key needs a passphrase. */
  readonly isEncrypted: boolean;
}

/** How a new private key is kept. */
export interface KeyProtection {
  /** The file is encrypted with it when given: PKCS#8 in the form that OpenSSL reads. */
  readonly passphrase?: string;
}

/** Writes a fresh pair as `flavor-private.key` (mode 0600) and `flavor-public.key`. Never replaces a file. */
export function generateKeys(directory: string, { passphrase }: KeyProtection = {}): GeneratedKeys {
  if (passphrase === "")
    throw new PspfError("bad-arguments", "Cannot encrypt the private key: its passphrase is empty");
  doing("create", directory, () => mkdirSync(directory, { recursive: true, mode: 0o700 }));
  const files = {
    privateKey: join(directory, "flavor-private.key"),
    publicKey: join(directory, "flavor-public.key"),
  };
  for (const path of Object.values(files))
    if (existsSync(path))
      throw new PspfError(
        "output-exists",
        `Cannot write ${path}: it exists, and a lost key cannot be made again`,
        {
          hint: "choose another folder with --out-dir",
        },
      );
  const { seed, publicKey } = generateKeyPair();
  const secret = passphrase === undefined ? privateKeyPem(seed) : encryptPrivateKey(seed, passphrase);
  writeNew(files.privateKey, secret, 0o600);
  try {
    writeNew(files.publicKey, publicKeyPem(publicKey), 0o644);
  } catch (error) {
    rmSync(files.privateKey, { force: true });
    throw error;
  }
  return { ...files, fingerprint: toHex(publicKey), isEncrypted: passphrase !== undefined };
}

/** A file that was not there before, whole; after a failure it is not there either. */
function writeNew(path: string, text: string, mode: number): void {
  const fd = doing("create", path, () => openSync(path, "wx", mode));
  try {
    writeAndClose(fd, text, path);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

function writeAndClose(fd: number, text: string, path: string): void {
  try {
    doing("write", path, () => writeFileSync(fd, text));
  } finally {
    closeSync(fd);
  }
}
