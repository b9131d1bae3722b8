import type { Command } from "commander";
import type { Target } from "../../../format/platform.ts";
import { type Io, type JsonOption, say, show } from "../io.ts";
import { examples } from "./examples.ts";

interface BuildFlags extends JsonOption {
  readonly force?: true;
}

export function addLaunchers(program: Command, io: Io): void {
  const launchers = program
    .command("launchers")
    .summary("see and make the launchers that packages begin with")
    .description(
      "Launchers are made once for each platform and kept; pack makes those that it needs by itself",
    );
  launchers
    .command("list")
    .summary("say which launchers are there")
    .description(
      "Lists every platform and whether its launcher is there; reads each launcher to make sure of it",
    )
    .option("--json", "print the result as one JSON document")
    .addHelpText(
      "after",
      examples("flavor launchers list", "flavor launchers list --json | jq '.launchers[].state'"),
    )
    .action(async (flags: JsonOption) => {
      const { listLaunchers } = await import("../../launchers/cache.ts");
      const { launcherListReport } = await import("../reports/launchers.ts");
      show(io, launcherListReport, await listLaunchers({ env: io.env }), flags);
    });
  launchers
    .command("build")
    .summary("make launchers")
    .description(
      "Makes the launchers that are not there yet; another platform than this one may need the network",
    )
    .argument("[targets...]", 'platforms, or "all" (default: this one)')
    .option("-f, --force", "make also those that are there")
    .option("--json", "print the result as one JSON document")
    .addHelpText(
      "after",
      examples(
        "flavor launchers build",
        "flavor launchers build linux-x64 darwin-arm64",
        "flavor launchers build all",
      ),
    )
    .action((targets: readonly string[], flags: BuildFlags) => build(io, targets, flags));
}

async function build(io: Io, words: readonly string[], flags: BuildFlags): Promise<void> {
  const { buildLaunchers } = await import("../../launchers/cache.ts");
  const { launcherBuildReport } = await import("../reports/launchers.ts");
  const targets = await chosen(words);
  if (io.err.isTerminal) say(io, `making sure of ${targets.join(", ")} …`);
  const built = await buildLaunchers(targets, { env: io.env, force: flags.force === true });
  show(io, launcherBuildReport, built, flags);
}

async function chosen(words: readonly string[]): Promise<readonly Target[]> {
  if (words.length > 0)
    return (await import("./pack.ts")).targetsOf(words.flatMap((word) => word.split(",")));
  return [(await import("../../launchers/host.ts")).hostTarget()];
}
