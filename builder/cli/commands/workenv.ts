import { resolve } from "node:path";
import type { Command } from "commander";
import { AGE_FORMS, DAY, SIZE_FORMS } from "../../../format/cache/cleaning/budget.ts";
import { EXIT_CODES, PspfError } from "../../../format/errors.ts";
import type { ProgressBar } from "../../../format/progress/bar.ts";
import type { Progress } from "../../../format/progress/progress.ts";
import { age, size } from "../amounts.ts";
import { type Io, type JsonOption, openBarFor, say, show } from "../io.ts";
import { examples } from "./examples.ts";

interface YesOption {
  readonly yes?: true;
}

interface CleanFlags extends JsonOption, YesOption {
  /** Milliseconds. */
  readonly olderThan?: number;
  /** Bytes. */
  readonly maxSize?: number;
  readonly dryRun?: true;
}

interface PackageFlags extends JsonOption {
  readonly package?: string;
}

interface RepairFlags extends PackageFlags {
  readonly all?: true;
}

const PACKAGE_OPTION = ["--package <file>", "the package that it was made from, if it was moved"] as const;
const JSON_OPTION = ["--json", "print the result as one JSON document"] as const;
const YES_OPTION = ["-y, --yes", "do not ask"] as const;

export function addWorkenv(program: Command, io: Io): void {
  const workenv = program
    .command("workenv")
    .summary("see and tidy up the cache of unpacked packages")
    .description("A package is unpacked once, into its work environment in the cache");
  workenv
    .command("list")
    .summary("list the cached packages")
    .description("Lists the cached packages")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      examples("flavor workenv list", "flavor workenv list --json | jq -r '.packages[].id'"),
    )
    .action(async (flags: JsonOption) => {
      const { listReport } = await import("../reports/workenv.ts");
      show(io, listReport, (await openCache(io)).listCached(), flags);
    });
  workenv
    .command("info")
    .summary("say where the cache is and how large")
    .description("Shows the folders of the cache, their sizes and how many packages are in them")
    .option(...JSON_OPTION)
    .addHelpText("after", examples("flavor workenv info", "flavor workenv info --json | jq -r .cacheDir"))
    .action(async (flags: JsonOption) => {
      const { infoReport } = await import("../reports/workenv.ts");
      show(io, infoReport, (await openCache(io)).info(), flags);
    });
  workenv
    .command("clean")
    .summary("remove cached packages")
    .description(
      "Removes cached packages, all of them without a limit; those that an application runs from, or that are being unpacked, stay",
    )
    .option("--older-than <age>", `only those that were last used longer ago: ${AGE_FORMS}`, age)
    .option(
      "--max-size <size>",
      `only the least recently used, until the rest has this size: ${SIZE_FORMS}`,
      size,
    )
    .option("--dry-run", "only say what would go")
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      examples(
        "flavor workenv clean --dry-run",
        "flavor workenv clean --older-than 30 -y",
        "flavor workenv clean --older-than 8w --max-size 5G",
      ),
    )
    .action((flags: CleanFlags) => clean(io, flags));
  workenv
    .command("remove")
    .summary("remove one cached package")
    .description("Removes one cached package")
    .argument("<id>", "its id, or a beginning that no other has")
    .option(...YES_OPTION)
    .option(...JSON_OPTION)
    .addHelpText("after", examples("flavor workenv remove 3f1c", "flavor workenv remove 3f1c -y"))
    .action((id: string, flags: JsonOption & YesOption) => remove(io, id, flags));
  workenv
    .command("inspect")
    .summary("say what is known about one cached package")
    .description("Shows where a cached package lies and whether it is complete")
    .argument("<id>", "its id, or a beginning that no other has")
    .option(...JSON_OPTION)
    .addHelpText("after", examples("flavor workenv inspect 3f1c", "flavor workenv inspect 3f1c --json"))
    .action((id: string, flags: JsonOption) => inspect(io, id, flags));
  workenv
    .command("verify")
    .summary("check the files of one cached package")
    .description(
      "Looks at every file of a cached package, and compares its bytes with the package file if that is still there",
    )
    .argument("<id>", "its id, or a beginning that no other has")
    .option(...PACKAGE_OPTION)
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      examples("flavor workenv verify 3f1c", "flavor workenv verify 3f1c --package app.psp --json"),
    )
    .action((id: string, flags: PackageFlags) => verify(io, id, flags));
  workenv
    .command("repair")
    .summary("put files of one cached package back")
    .description(
      "Puts back what is missing, truncated or damaged in a cached package, from the package file; what people or the application changed stays",
    )
    .argument("<id>", "its id, or a beginning that no other has")
    .option(...PACKAGE_OPTION)
    .option("--all", "also what was changed")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      examples("flavor workenv repair 3f1c", "flavor workenv repair 3f1c --package app.psp --all"),
    )
    .action((id: string, flags: RepairFlags) => repair(io, id, flags));
}

async function openCache({ env }: Io) {
  const { CacheManager } = await import("../../cache-manager.ts");
  return new CacheManager({ env });
}

async function clean(io: Io, flags: CleanFlags): Promise<void> {
  const { cleanReport } = await import("../reports/workenv.ts");
  const { formatSize } = await import("../../../format/size-text.ts");
  const { counted } = await import("../reports/text.ts");
  const cache = await openCache(io);
  const limits = {
    ...(flags.olderThan === undefined ? {} : { olderThanDays: flags.olderThan / DAY }),
    ...(flags.maxSize === undefined ? {} : { maxSize: flags.maxSize }),
  };
  const isDryRun = flags.dryRun === true;
  const planned = await cache.clean({ ...limits, dryRun: true });
  const { removed, freed } = planned;
  if (!isDryRun && (removed.length > 0 || freed > 0)) {
    const question = `remove ${counted(removed.length, "package")}, ${formatSize(freed)}?`;
    if (!(await isWanted(io, question, flags))) return;
  }
  const report = isDryRun ? planned : await cache.clean(limits);
  show(io, cleanReport, { report, isDryRun }, flags);
  const [failure] = report.failed;
  if (failure !== undefined) io.exitCode = failure.error.exitCode;
}

async function remove(io: Io, prefix: string, flags: JsonOption & YesOption): Promise<void> {
  const { removeReport } = await import("../reports/workenv.ts");
  const cache = await openCache(io);
  const id = cache.resolveId(prefix);
  const details = cache.inspectWorkenv(id);
  const loss = details.exists && details.edited ? ", with edited settings that are in no later version" : "";
  if (!(await isWanted(io, `remove ${id}${loss}?`, flags))) return;
  show(io, removeReport, await cache.remove(id), flags);
}

async function inspect(io: Io, prefix: string, flags: JsonOption): Promise<void> {
  const { inspectReport } = await import("../reports/workenv.ts");
  const cache = await openCache(io);
  const details = cache.inspectWorkenv(cache.resolveId(prefix));
  // gone since its id was looked up
  if (!details.exists)
    throw new PspfError(
      "workenv-not-found",
      `Cannot find the workenv ${details.id}: it was removed just now`,
    );
  show(io, inspectReport, details, flags);
}

async function verify(io: Io, prefix: string, flags: PackageFlags): Promise<void> {
  const { isDamaged, workenvVerifyReport } = await import("../reports/workenv-files.ts");
  const cache = await openCache(io);
  const id = cache.resolveId(prefix);
  using bar = await openBarFor(io, flags);
  const verified = await cache.verify(id, pathIn(io, flags), bar && about(bar, id));
  show(io, workenvVerifyReport, verified, flags);
  if (isDamaged(verified)) io.exitCode = EXIT_CODES["workenv-damaged"];
}

async function repair(io: Io, prefix: string, flags: RepairFlags): Promise<void> {
  const { workenvRepairReport } = await import("../reports/workenv-files.ts");
  const path = pathIn(io, flags);
  const cache = await openCache(io);
  const id = cache.resolveId(prefix);
  using bar = await openBarFor(io, flags);
  const repaired = await cache.repair(id, {
    extent: flags.all === true ? "everything" : "damage",
    progress: bar && about(bar, id),
    ...(path === undefined ? {} : { path }),
  });
  show(io, workenvRepairReport, repaired, flags);
  if (repaired.repair.ofSetup.length > 0) io.exitCode = EXIT_CODES["workenv-damaged"];
}

const about = (bar: ProgressBar, id: string): Progress => ({
  ...bar,
  begin: (deed, total) => bar.begin(`${deed} ${id}`, total),
});

const pathIn = ({ cwd }: Io, flags: PackageFlags): string | undefined =>
  flags.package === undefined ? undefined : resolve(cwd(), flags.package);

/** Asks a person; a script, to which --json belongs, must have said it before. */
async function isWanted(io: Io, question: string, { yes, json }: YesOption & JsonOption): Promise<boolean> {
  if (yes === true) return true;
  if (io.confirm === undefined || json === true)
    throw new PspfError(
      "bad-arguments",
      "Cannot ask whether to remove it: there is no terminal, or --json was given",
      { hint: "-y says yes" },
    );
  const isYes = await io.confirm(question);
  if (!isYes) say(io, "nothing was removed");
  return isYes;
}
