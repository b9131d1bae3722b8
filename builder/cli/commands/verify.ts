import { basename } from "node:path";
import type { Command } from "commander";
import { EXIT_CODES } from "../../../format/errors.ts";
import { type Io, type JsonOption, openBarFor, show } from "../io.ts";
import { advisersOf, placesOf } from "../trust-places.ts";
import { examples } from "./examples.ts";

interface VerifyFlags extends JsonOption {
  readonly key?: string;
}

export function addVerify(program: Command, io: Io): void {
  program
    .command("verify")
    .summary("check everything in a package")
    .description(
      "Checks structure, seal, signer, launcher, gaps and every slot, and reports all of it; the signer is compared with the trust stores and with what is remembered",
    )
    .argument("<package>", "path of a package")
    .option("--key <file>", "accept only a signature by this public key")
    .option("--json", "print the result as one JSON document")
    .addHelpText(
      "after",
      examples(
        "flavor verify app.psp",
        "flavor verify app.psp --key keys/flavor-public.key",
        "flavor verify app.psp --json | jq .valid",
      ),
    )
    .action((path: string, flags: VerifyFlags) => verify(io, path, flags));
}

async function verify(io: Io, path: string, flags: VerifyFlags): Promise<void> {
  const { openFileSource } = await import("../../../format/io/byte-source.ts");
  const { verifyPackage } = await import("../../../format/verify.ts");
  const { launcherOrigin } = await import("../../launchers/origin.ts");
  const { verifyReport } = await import("../reports/verify.ts");
  const { withSignerCheck } = await import("../../../format/trust/signer-check.ts");
  const key = flags.key === undefined ? undefined : await readKey(flags.key);
  // Who names a key has said whom they trust.
  const advisers =
    key === undefined ? await advisersOf(io) : { places: placesOf(io), environmentKeys: [key.toHex()] };
  using source = openFileSource(path);
  using bar = await openBarFor(io, flags);
  bar?.begin(`verifying ${basename(path)}`, () => source.size);
  const verification = await withSignerCheck(
    await verifyPackage(source, key, { startThread: io.startThread?.verify, onBytes: bar?.add }),
    advisers,
  );
  const origin = await launcherOrigin(verification, { env: io.env });
  show(io, verifyReport, { path, verification, ...(origin === undefined ? {} : { origin }) }, flags);
  const failed = verification.checks.find((check) => !check.ok);
  if (failed !== undefined) io.exitCode = EXIT_CODES[failed.code ?? "internal-error"];
}

async function readKey(path: string) {
  const { readFileSync } = await import("node:fs");
  const { doing } = await import("../../../format/io/fs.ts");
  const { readPublicKey } = await import("../../../format/seal/keys.ts");
  return readPublicKey(new Uint8Array(doing("read the key", path, () => readFileSync(path))), path);
}
