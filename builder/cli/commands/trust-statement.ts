import type { Command } from "commander";
import type { Wish } from "../../trust/make-statement.ts";
import { type Io, type JsonOption, say, show } from "../io.ts";
import { addSigningOptions, keysOf, type SigningFlags } from "../signing-options.ts";
import { examples } from "./examples.ts";

interface StatementFlags extends SigningFlags, JsonOption {
  readonly output: string;
}

interface RotateFlags extends StatementFlags {
  readonly from?: string;
  readonly to: string;
  readonly package?: readonly string[];
}

interface RevokeFlags extends StatementFlags {
  readonly reason?: string;
}

const OUTPUT_OPTION = ["-o, --output <file>", "where to write it; a file that is there stays"] as const;
const JSON_OPTION = ["--json", "print the result as one JSON document"] as const;
/** What stands for the default of --private-key. */
const NO_DEFAULT = "none";

export function addStatement(trust: Command, io: Io): void {
  const statement = trust
    .command("statement")
    .summary("let a key of yours say what becomes of it")
    .description(
      "Signs with a key what becomes of it: that another one succeeds it, or that nobody may trust it any more",
    );
  const rotate = statement
    .command("rotate")
    .summary("hand over from an old key to a new one")
    .description(
      'Signs with the old key that packages are signed with a new one from now on; "flavor pack" puts that into packages, so that those who know the old key accept the new one',
    )
    .option("--from <file>", "the old private key: the same as --private-key")
    .requiredOption("--to <key>", "the new public key: its file, or 64 hex digits")
    .option(
      "-p, --package <pattern>",
      "the packages that it is about, * for any characters; may be repeated (default: all)",
      oneMore,
    )
    .requiredOption(...OUTPUT_OPTION)
    .option(...JSON_OPTION)
    .optionsGroup("Signing:");
  addSigningOptions(rotate, NO_DEFAULT)
    .addHelpText(
      "after",
      examples(
        "flavor trust statement rotate --from old/flavor-private.key --to keys/flavor-public.key -o keys/1.statement.json",
        "flavor trust statement rotate --sign-command 'my-kms sign' --public-key old.key --to new.key -o 1.statement.json",
      ),
    )
    .action((flags: RotateFlags) => rotateKey(io, flags));
  const revoke = statement
    .command("revoke")
    .summary("say of a key that nobody may trust it any more")
    .description(
      'Signs with a key that nobody may trust it any more; who takes that in with "flavor trust add" refuses all that it has signed',
    )
    .option("--reason <text>", "why, for those who are refused", "")
    .requiredOption(...OUTPUT_OPTION)
    .option(...JSON_OPTION)
    .optionsGroup("Signing:");
  addSigningOptions(revoke, NO_DEFAULT)
    .addHelpText(
      "after",
      examples(
        "flavor trust statement revoke --private-key keys/flavor-private.key --reason 'it was stolen' -o revoked.json",
        "flavor trust statement revoke --private-key env -o revoked.json",
      ),
    )
    .action((flags: RevokeFlags) => make(io, { kind: "revocation", reason: flags.reason ?? "" }, flags));
}

const oneMore = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

async function rotateKey(io: Io, { from, ...flags }: RotateFlags): Promise<void> {
  const { PspfError } = await import("../../../format/errors.ts");
  const { readKey } = await import("../../trust/key-words.ts");
  if (from !== undefined && flags.privateKey !== undefined)
    throw new PspfError("bad-arguments", "Cannot sign with --from and with --private-key: they are the same");
  const wish: Wish = { kind: "rotation", to: await readKey(flags.to), packages: flags.package ?? [] };
  await make(io, wish, { ...flags, ...(from === undefined ? {} : { privateKey: from }) });
  say(io, 'note: beside the manifest, in keys/ and called *.statement.json, "flavor pack" finds it');
}

async function make(io: Io, wish: Wish, flags: StatementFlags): Promise<void> {
  const { makeStatement } = await import("../../trust/make-statement.ts");
  const { statementReport } = await import("../reports/trust.ts");
  const { output } = flags;
  const statement = await makeStatement(wish, keysOf(flags, io), { output, now: new Date() });
  show(io, statementReport, { path: output, statement }, flags);
}
