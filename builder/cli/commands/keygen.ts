import type { Command } from "commander";
import { KEY_FOLDER } from "../default-files.ts";
import { type Io, type JsonOption, say, show } from "../io.ts";
import { examples } from "./examples.ts";

interface KeygenFlags extends JsonOption {
  readonly outDir: string;
}

export function addKeygen(program: Command, io: Io): void {
  program
    .command("keygen")
    .summary("make a pair of keys to sign with")
    .description(
      "Writes a new Ed25519 pair as flavor-private.key and flavor-public.key; never replaces a key",
    )
    .option("--out-dir <folder>", "where to write them", KEY_FOLDER)
    .option("--json", "print the result as one JSON document")
    .addHelpText("after", examples("flavor keygen", "flavor keygen --out-dir ~/.config/flavor/keys"))
    .action(async (flags: KeygenFlags) => {
      const { generateKeys } = await import("../../keygen.ts");
      const { keygenReport } = await import("../reports/keygen.ts");
      show(io, keygenReport, generateKeys(flags.outDir), flags);
      say(io, "note: keep the private key secret and out of version control, and have a copy of it");
    });
}
