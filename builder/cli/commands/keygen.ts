import type { Command } from "commander";
import { KEY_FOLDER } from "../default-files.ts";
import { type Io, type JsonOption, say, show } from "../io.ts";
import { newPassphrase, type PassphraseFlags } from "../passphrase.ts";
import { examples } from "./examples.ts";

interface KeygenFlags extends JsonOption, PassphraseFlags {
  readonly outDir: string;
  readonly passphrase?: true;
}

export function addKeygen(program: Command, io: Io): void {
  program
    .command("keygen")
    .summary("make a pair of keys to sign with")
    .description(
      "Writes a new Ed25519 pair as flavor-private.key and flavor-public.key; never replaces a key",
    )
    .option("--out-dir <folder>", "where to write them", KEY_FOLDER)
    .option("--passphrase", "encrypt the private key with a passphrase, which is asked for")
    .option("--passphrase-file <file>", "encrypt it with the first line of a file")
    .option("--json", "print the result as one JSON document")
    .addHelpText(
      "after",
      examples("flavor keygen", "flavor keygen --passphrase --out-dir ~/.config/flavor/keys"),
    )
    .action(async (flags: KeygenFlags) => {
      const { generateKeys } = await import("../../keygen.ts");
      const { keygenReport } = await import("../reports/keygen.ts");
      show(io, keygenReport, generateKeys(flags.outDir, await protection(flags, io)), flags);
      say(io, "note: keep the private key secret and out of version control, and have a copy of it");
    });
}

async function protection(flags: KeygenFlags, io: Io): Promise<{ readonly passphrase?: string }> {
  const isAsked = flags.passphrase === true || flags.passphraseFile !== undefined;
  return isAsked ? { passphrase: await newPassphrase(flags, io) } : {};
}
