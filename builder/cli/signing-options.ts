import { type Command, InvalidArgumentError } from "commander";
import { PspfError } from "../../format/errors.ts";
import type { KeyChoice } from "../signing/key-choice.ts";
import type { Io } from "./io.ts";
import { type PassphraseFlags, passphraseFor } from "./passphrase.ts";

/** The options of `addSigningOptions`, as commander gives them. */
export interface SigningFlags extends PassphraseFlags {
  readonly privateKey?: string;
  readonly publicKey?: string;
  readonly keySeed?: string;
  readonly signCommand?: string;
  readonly signTimeout?: number;
}

/** The options that say with which key to sign. `usual` tells what is done without. */
export function addSigningOptions(command: Command, usual: string): Command {
  return command
    .option(
      "--private-key <file>",
      `Ed25519 key; "env" takes it from $FLAVOR_PRIVATE_KEY (default: ${usual})`,
    )
    .option("--passphrase-file <file>", "the passphrase of that key, in the first line of a file")
    .option("--public-key <file>", "its public half, to be compared")
    .option("--key-seed <text>", 'make the key of a text; "env" takes it from $FLAVOR_KEY_SEED')
    .option(
      "--sign-command <command>",
      "let a program sign: the message goes to its stdin, its stdout is the signature; needs --public-key",
    )
    .option("--sign-timeout <seconds>", "how long that program may take (default: 120)", seconds);
}

function seconds(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("it is no number of seconds");
}

/** The key that options and environment name; a passphrase is looked for when it is needed. */
export function keysOf(flags: SigningFlags, io: Pick<Io, "env" | "askSecret">): KeyChoice {
  const { privateKey, publicKey, keySeed, signCommand, signTimeout } = flags;
  return {
    ...(keySeed === undefined
      ? {}
      : { keySeed: keySeed === "env" ? fromEnvironment("key seed", "FLAVOR_KEY_SEED", io) : keySeed }),
    ...(privateKey === undefined
      ? {}
      : privateKey === "env"
        ? { privateKeyPem: fromEnvironment("private key", "FLAVOR_PRIVATE_KEY", io) }
        : { privateKey }),
    ...(publicKey === undefined ? {} : { publicKey }),
    ...(signCommand === undefined ? {} : { signCommand }),
    ...(signTimeout === undefined ? {} : { signTimeoutSeconds: signTimeout }),
    passphrase: passphraseFor(flags, io),
  };
}

function fromEnvironment(what: string, name: string, { env }: Pick<Io, "env">): string {
  const value = env[name];
  if (value !== undefined && value !== "") return value;
  throw new PspfError("bad-arguments", `Cannot take the ${what} from ${name}: it is not set`);
}
