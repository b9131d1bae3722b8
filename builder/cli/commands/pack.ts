import type { Command } from "commander";
import { PspfError } from "../../../format/errors.ts";
import { isTarget, TARGET_NAMES, type Target } from "../../../format/platform.ts";
import type { PackOptions } from "../../pack.ts";
import { plain } from "../reports/text.ts";
import { type Io, type JsonOption, openBarFor, say, show } from "../io.ts";
import { addSigningOptions, keysOf, type SigningFlags } from "../signing-options.ts";
import { examples } from "./examples.ts";

export interface PackFlags extends JsonOption, SigningFlags {
  readonly manifest?: string;
  readonly output?: string;
  readonly platform?: readonly string[];
  readonly launcher?: string;
  readonly compat?: "flavorpack";
  readonly level?: number;
  readonly fast?: true;
  readonly best?: true;
  readonly statement?: readonly string[];
  readonly verify: boolean;
  readonly cache: boolean;
  readonly explain?: true;
  readonly quiet?: true;
}

export function addPack(program: Command, io: Io): void {
  const command = program
    .command("pack")
    .summary("build packages from a manifest")
    .description("Builds one package for each platform from a manifest and verifies it")
    .argument("[manifest]", "flavor.toml, manifest.json, or the folder of one (default: the current folder)")
    .optionsGroup("What to build:")
    .option("--manifest <file>", "the same as the argument")
    .option("-p, --platform <target>", 'a platform, a list with commas, or "all"; may be repeated', collect)
    .option("--launcher <launcher>", '"bun", "shebang", or the file of a launcher')
    .addOption(
      program
        .createOption("--compat <system>", "only what FlavorPack's own launchers run")
        .choices(["flavorpack"]),
    )
    .addOption(
      program
        .createOption("--level <n>", "how hard to compress, on the scale of the slots' codecs")
        .argParser(wholeNumber)
        .conflicts(["fast", "best"]),
    )
    .addOption(program.createOption("--fast", "compress in little time").conflicts("best"))
    .option("--best", "compress as well as is worth waiting for; unpacking takes no longer")
    .option("--no-cache", "encode every slot anew; nothing is taken from the build cache or put into it")
    .option("--explain", "say of each slot whether it comes from the build cache, and if not, why")
    .optionsGroup("Output:")
    .option(
      "-o, --output <path>",
      "a file, or a folder for NAME.psp (default: dist/NAME.psp beside the manifest)",
    )
    .option("--no-verify", "do not read the package again before it gets its name")
    .option("--json", "print the result as one JSON document")
    .option("-q, --quiet", "print nothing but errors")
    .optionsGroup("Signing:");
  addSigningOptions(command, "keys/flavor-private.key beside the manifest, if there")
    .option(
      "--statement <file>",
      "put a key's statement about its successor into the package; may be repeated (default: those in keys/*.statement.json beside the manifest that lead to the signing key)",
      oneMore,
    )
    .addHelpText(
      "after",
      examples(
        "flavor pack",
        "flavor pack app/flavor.toml -o out/ --platform linux-x64,windows-x64",
        "SOURCE_DATE_EPOCH=0 flavor pack --private-key keys/flavor-private.key --json | jq -r '.packages[].sha256'",
      ),
    )
    .action((manifest: string | undefined, flags: PackFlags) => pack(manifest, flags, io));
}

async function pack(argument: string | undefined, flags: PackFlags, io: Io): Promise<void> {
  const options = optionsOf(flags, io);
  const { findManifest, ownKeyOf, ownStatementsOf } = await import("../default-files.ts");
  const { readManifest } = await import("../../manifest/manifest.ts");
  const { packManifest } = await import("../../pack.ts");
  const { buildCacheDir } = await import("../../slot-cache/place.ts");
  const { packReport } = await import("../reports/pack.ts");
  const path = findManifest(oneManifest(argument, flags.manifest), io.cwd());
  const { platforms } = options;
  const manifest = await readManifest(path, platforms === undefined ? {} : { platforms });
  using bar = await openBarFor(io, flags);
  const packed = await packManifest(manifest, {
    ...options,
    ...(flags.cache ? { buildCache: buildCacheDir(io.env) } : {}),
    ...(flags.explain === true ? { explain: explainOn(io) } : {}),
    ...ownKeyOf(manifest.directory, options),
    ...(options.statements === undefined ? { foundStatements: ownStatementsOf(manifest.directory) } : {}),
    progress: bar,
  });
  if (flags.quiet !== true && packed.some(({ signer }) => signer.origin === "ephemeral"))
    say(io, 'note: signed with a key that is gone now; "flavor keygen" makes one to keep');
  if (flags.quiet !== true || flags.json === true) {
    // Only the document tells them: each costs another reading of the package.
    const digests = flags.json === true ? await Promise.all(packed.map(({ sha256 }) => sha256())) : [];
    show(io, packReport(io.cwd(), digests), packed, flags);
  }
}

const explainOn = (io: Io) => (slot: string, isCached: boolean, why: string) =>
  say(io, plain(`slot ${slot}: ${isCached ? "from the build cache" : "made anew"}, ${why}`));

function oneManifest(argument: string | undefined, option: string | undefined): string | undefined {
  if (argument === undefined || option === undefined || argument === option) return argument ?? option;
  throw new PspfError("bad-arguments", `Cannot pack two manifests: ${argument} and ${option} were given`, {
    hint: "run flavor pack for each",
  });
}

/** The command line and the environment as options of the library, checked before a file is looked at. */
export function optionsOf(flags: PackFlags, io: Pick<Io, "env" | "askSecret">): PackOptions {
  const platforms = flags.platform === undefined ? undefined : targetsOf(flags.platform);
  const epoch = readEpoch(io.env["SOURCE_DATE_EPOCH"]);
  return {
    ...keysOf(flags, io),
    verify: flags.verify,
    ...(platforms === undefined ? {} : { platforms }),
    ...(flags.output === undefined ? {} : { output: flags.output }),
    ...(flags.launcher === undefined ? {} : { launcher: flags.launcher }),
    ...(flags.compat === undefined ? {} : { compat: flags.compat }),
    ...levelOf(flags),
    ...(flags.statement === undefined ? {} : { statements: flags.statement }),
    ...(epoch === undefined ? {} : { sourceDateEpoch: epoch }),
  };
}

function levelOf({ level, fast, best }: PackFlags): Pick<PackOptions, "level"> {
  if (fast === true) return { level: "fast" };
  if (best === true) return { level: "best" };
  return level === undefined ? {} : { level };
}

/** Targets from words of the command line, each once; "all" is every one. */
export function targetsOf(words: readonly string[]): readonly Target[] {
  const targets = words.flatMap((word): readonly string[] => (word === "all" ? TARGET_NAMES : [word]));
  const wrong = targets.find((target) => !isTarget(target));
  if (wrong !== undefined)
    throw new PspfError(
      "bad-arguments",
      `Cannot build for ${JSON.stringify(wrong)}: there is no such platform`,
      { hint: `use some of ${TARGET_NAMES.join(", ")}, or all` },
    );
  return [...new Set(targets.filter(isTarget))];
}

/** The last second that ISO 8601 writes with four digits of a year. */
const LAST_SECOND = Date.UTC(9999, 11, 31, 23, 59, 59) / 1000;

function readEpoch(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^\d+$/.test(text) && Number(text) <= LAST_SECOND) return Number(text);
  throw new PspfError(
    "bad-arguments",
    `Cannot use SOURCE_DATE_EPOCH=${JSON.stringify(text)}: it is no time`,
    { hint: "it is a count of seconds since 1970, for example of: git log -1 --pretty=%ct" },
  );
}

const collect = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  ...text.split(",").map((word) => word.trim()),
];

const oneMore = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

function wholeNumber(text: string): number {
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw new PspfError("bad-arguments", `Cannot use the level ${JSON.stringify(text)}: it is no whole number`);
}
