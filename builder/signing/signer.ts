import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { PspfError } from "../../format/errors.ts";
import { doing } from "../../format/io/fs.ts";
import {
  generateKeyPair,
  isEncryptedKey,
  type KeyPair,
  keyPairFromText,
  keyPairOf,
  readPrivateKey,
  readPublicKey,
} from "../../format/seal/keys.ts";
import { signWith } from "../../format/seal/sign.ts";
import { isSignedBy } from "../../format/seal/verify.ts";
import type { Bytes } from "../../format/types.ts";
import { sameBytes, toHex } from "../../format/wire/hashes.ts";
import { type ExternalSigner, type KeyChoice, sourceOf } from "./key-choice.ts";

/** Who signs. The private key, where we have one, cannot be got out of it. */
export interface Signer {
  /** 32 raw bytes. */
  readonly publicKey: Bytes;
  /** "ephemeral": nobody can sign a later version with the same key. */
  readonly origin: "seed" | "file" | "pem" | "command" | "external" | "ephemeral";
  /** The Ed25519 signature (64 bytes) of a message, known to be valid. Throws `signing-failed`. */
  readonly sign: (message: Bytes) => Promise<Bytes>;
}

/**
 * The signer of a choice. Throws `key-invalid` for files that are no keys, a wrong passphrase, and two halves of
 * different pairs; `bad-arguments` for a choice that makes no sense. No error shows a secret.
 */
export async function signerFrom(choice: KeyChoice): Promise<Signer> {
  const source = sourceOf(choice);
  switch (source.kind) {
    case "seed":
      return signerOfPair(keyPairFromText(source.text), "seed");
    case "file":
      return ofPrivateKey(readKeyFile(source.path), source.path, "file", choice);
    case "pem":
      return ofPrivateKey(new TextEncoder().encode(source.text), "the PEM text", "pem", choice);
    case "command":
      return commandSigner(source, choice);
    case "external":
      return checkedSigner(source.signer, "external", "the signer");
    case "none":
      return signerOfPair(generateKeyPair(), "ephemeral");
    default:
      return source satisfies never;
  }
}

/** A signer that has the pair itself. */
export function signerOfPair({ seed, publicKey }: KeyPair, origin: Signer["origin"]): Signer {
  return { publicKey, origin, sign: async (message) => signWith(seed, message) };
}

async function ofPrivateKey(
  file: Bytes,
  name: string,
  origin: Signer["origin"],
  { publicKey, passphrase }: KeyChoice,
): Promise<Signer> {
  const pair = keyPairOf(await seedOf(file, name, passphrase));
  if (publicKey !== undefined && !sameBytes(readPublicKeyFile(publicKey), pair.publicKey))
    throw new PspfError("key-invalid", `Cannot sign: ${publicKey} is not the public key of ${name}`, {
      hint: `the public key of that private key is ${toHex(pair.publicKey)}`,
    });
  return signerOfPair(pair, origin);
}

async function seedOf(file: Bytes, name: string, passphrase: KeyChoice["passphrase"]): Promise<Bytes> {
  if (!isEncryptedKey(file)) return readPrivateKey(file, name);
  if (passphrase === undefined)
    throw new PspfError(
      "bad-arguments",
      `Cannot decrypt the private key ${name}: it needs a passphrase, none was given`,
    );
  const { decryptPrivateKey } = await import("../../format/seal/encrypted-key.ts");
  return decryptPrivateKey(file, name, typeof passphrase === "string" ? passphrase : await passphrase(name));
}

async function commandSigner(
  { command, publicKey }: { readonly command: string; readonly publicKey: string },
  { signTimeoutSeconds }: KeyChoice,
): Promise<Signer> {
  const { parseSignCommand, runSignCommand } = await import("./sign-command.ts");
  const words = parseSignCommand(command);
  const patience = signTimeoutSeconds === undefined ? {} : { timeout: signTimeoutSeconds * 1000 };
  const sign = (message: Bytes) => runSignCommand(words, message, patience);
  return checkedSigner(
    { publicKey: readPublicKeyFile(publicKey), sign },
    "command",
    basename(words[0]),
    publicKey,
  );
}

/** Others may sign with another key than the one that was named: their signatures are verified. */
function checkedSigner(
  { publicKey, sign }: ExternalSigner,
  origin: Signer["origin"],
  who: string,
  named = "its public key",
): Signer {
  return {
    publicKey,
    origin,
    async sign(message) {
      const signature = await sign(message);
      if (await isSignedBy(publicKey, message, signature)) return signature;
      throw new PspfError("signing-failed", `Cannot sign with ${who}: its signature is not by ${named}`, {
        hint: `the key that was expected is ${toHex(publicKey)}`,
      });
    },
  };
}

/** The public key in a file, 32 raw bytes. Throws `key-invalid`, `io-failed`. */
const readPublicKeyFile = (path: string): Bytes => readPublicKey(readKeyFile(path), path);

function readKeyFile(path: string): Bytes {
  // An error would show the path, and what is in the logs of a build is public.
  if (isKeyItself(path) && !existsSync(path))
    throw new PspfError(
      "bad-arguments",
      "Cannot read the key: there is no such file, its name looks like a key itself",
      {
        hint: "--private-key env takes the key in $FLAVOR_PRIVATE_KEY; others have seen it now, if it is a private key",
      },
    );
  return new Uint8Array(doing("read the key", path, () => readFileSync(path)));
}

/** PEM, or 32 or 48 bytes (a key, or PKCS#8) in hex or base64. */
const isKeyItself = (path: string): boolean =>
  /-----BEGIN|[\r\n]|^([0-9a-f]{64}|[0-9a-f]{96}|[\w+/-]{43}=?|[\w+/-]{64})$/i.test(path.trim());
