import { readFileSync } from "node:fs";
import { PspfError } from "../../format/errors.ts";
import { errnoOf } from "../../format/io/fs.ts";
import type { Io } from "./io.ts";

/** Never the passphrase itself: everybody on the machine reads the arguments of a process. */
export interface PassphraseFlags {
  readonly passphraseFile?: string;
}

type Asker = Pick<Io, "env" | "askSecret">;

const VARIABLE = "FLAVOR_KEY_PASSPHRASE";

/** How to get the passphrase of a key that is there: from a file, the environment, or whoever is at the terminal. */
export const passphraseFor =
  (flags: PassphraseFlags, io: Asker) =>
  async (key: string): Promise<string> =>
    given(flags, io) ?? (await ask(`Passphrase of ${key}: `, io));

/** A passphrase for a new key; who is at the terminal is asked twice. */
export async function newPassphrase(flags: PassphraseFlags, io: Asker): Promise<string> {
  const known = given(flags, io);
  if (known !== undefined) return known;
  const first = await ask("Passphrase for the new key: ", io);
  if (first !== (await ask("The same again: ", io)))
    throw new PspfError("bad-arguments", "Cannot encrypt the key: two different passphrases were entered");
  return first;
}

function given({ passphraseFile }: PassphraseFlags, { env }: Asker): string | undefined {
  if (passphraseFile !== undefined) return firstLine(passphraseFile);
  const value = env[VARIABLE];
  return value === "" ? undefined : value;
}

/** Without the line break: editors add one. */
function firstLine(path: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    // Neither the path nor the cause, which has it: it may be the passphrase.
    throw new PspfError("io-failed", `Cannot read the file with the passphrase: ${errnoOf(cause)}`, {
      hint: "--passphrase-file takes the name of a file, never the passphrase itself",
    });
  }
  const refuse = (state: string) =>
    new PspfError("bad-arguments", `Cannot take the passphrase from ${path}: ${state}`);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw refuse("it is not UTF-8");
  }
  const line = /^[^\r\n]*/.exec(text)?.[0] ?? "";
  if (line === "") throw refuse("its first line is empty");
  return line;
}

async function ask(question: string, { askSecret }: Asker): Promise<string> {
  if (askSecret === undefined)
    throw new PspfError("bad-arguments", "Cannot ask for a passphrase: there is no terminal", {
      hint: `name a file with --passphrase-file, or set ${VARIABLE}`,
    });
  const answer = await askSecret(question);
  if (answer === "") throw new PspfError("bad-arguments", "Cannot go on: no passphrase was entered");
  return answer;
}
