import { PspfError } from "../../format/errors.ts";
import type { Bytes } from "../../format/types.ts";

/** Something else that can sign with an Ed25519 key: a library for a key service, a device. */
export interface ExternalSigner {
  /** 32 raw bytes. */
  readonly publicKey: Bytes;
  /** The signature (64 bytes, RFC 8032, not prehashed) of a message. What it throws is told as it is. */
  readonly sign: (message: Bytes) => Bytes | Promise<Bytes>;
}

/** Where the signing key comes from: at most one source. With none, a key is made for this build. */
export interface KeyChoice {
  /** Text whose SHA-256 is the private seed. */
  readonly keySeed?: string;
  /** Path of a PEM or raw private key. */
  readonly privateKey?: string;
  /** A private key itself, as PEM. */
  readonly privateKeyPem?: string;
  /** For a private key that is encrypted; a function is called only then, with the name of the key. */
  readonly passphrase?: string | ((key: string) => string | Promise<string>);
  /**
   * A command line that signs: it gets the message on its standard input and answers with the signature, as 64 raw
   * bytes, hex or base64. It is split into words, no shell looks at it. Needs `publicKey`.
   */
  readonly signCommand?: string;
  /** How long the command may take, 120 when not given. */
  readonly signTimeoutSeconds?: number;
  /** Path of the public half: to be compared with a private key, to know the key of a command. */
  readonly publicKey?: string;
  /** Something else that signs. */
  readonly signer?: ExternalSigner;
}

const SOURCES = {
  keySeed: "a key seed",
  privateKey: "key files",
  privateKeyPem: "a PEM text",
  signCommand: "a command",
  signer: "a signer",
} as const satisfies Partial<Record<keyof KeyChoice, string>>;

/** A choice with one source at most. */
export type KeySource =
  | { readonly kind: "seed"; readonly text: string }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "pem"; readonly text: string }
  | { readonly kind: "command"; readonly command: string; readonly publicKey: string }
  | { readonly kind: "external"; readonly signer: ExternalSigner }
  | { readonly kind: "none" };

/** Whether a choice says anything about the key. */
export const isChosen = (choice: KeyChoice): boolean =>
  choice.publicKey !== undefined || sourcesIn(choice).length > 0;

/** The one source of a choice; throws `bad-arguments` for a choice that makes no sense. */
export function sourceOf(choice: KeyChoice): KeySource {
  const { keySeed, privateKey, privateKeyPem, signCommand, signer, publicKey } = choice;
  const [one, other] = sourcesIn(choice);
  if (other !== undefined) throw twice(one, other);
  if (publicKey !== undefined && (keySeed !== undefined || signer !== undefined))
    throw twice(one, "key files");
  checkTimeout(choice);
  if (keySeed === "")
    throw senseless("Cannot sign with an empty key seed: anybody could make its key", {
      hint: "is the variable that should hold it set?",
    });
  if (keySeed !== undefined) return { kind: "seed", text: keySeed };
  if (privateKey !== undefined) return { kind: "file", path: privateKey };
  if (privateKeyPem !== undefined) return { kind: "pem", text: privateKeyPem };
  if (signer !== undefined) return { kind: "external", signer };
  if (signCommand !== undefined) {
    if (publicKey === undefined)
      throw senseless("Cannot sign with a command alone: --public-key is missing", {
        hint: "name the file of the public key that the command signs with",
      });
    return { kind: "command", command: signCommand, publicKey };
  }
  if (publicKey !== undefined)
    throw senseless("Cannot sign with a public key alone: --private-key is missing");
  return { kind: "none" };
}

/** No timer can wait longer than 24 days. */
const MAX_TIMEOUT_SECONDS = 24 * 60 * 60;

function checkTimeout({ signTimeoutSeconds: seconds = 1 }: KeyChoice): void {
  if (!(seconds > 0 && seconds <= MAX_TIMEOUT_SECONDS))
    throw senseless(
      `Cannot wait ${seconds} seconds for a signature: at most ${MAX_TIMEOUT_SECONDS} can be given`,
    );
}

const sourcesIn = (choice: KeyChoice): readonly string[] =>
  Object.entries(SOURCES).flatMap(([name, words]) =>
    choice[name as keyof KeyChoice] === undefined ? [] : [words],
  );

const twice = (one: string | undefined, other: string) =>
  senseless(`Cannot sign with ${one} and with ${other}: one of them is enough`);

const senseless = (message: string, facts: { readonly hint?: string } = {}) =>
  new PspfError("bad-arguments", message, facts);
