/**
 * `npm run compile -- [--launchers] [targets…]`: compiles `flavor` for this machine to dist/flavor, or for each named
 * platform to dist/flavor-<target>. With --launchers it makes the launchers of packages instead, for the named
 * platforms or all, where `flavor pack` looks for them. Says the path of each file.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { launcherBundle } from "../builder/launchers/bundle.ts";
import { buildLaunchers } from "../builder/launchers/cache.ts";
import { compileCli } from "../builder/launchers/compile-cli.ts";
import { exitCodeOf, PspfError, renderError } from "../format/errors.ts";
import { doing } from "../format/io/fs.ts";
import { isTarget, TARGET_NAMES, type Target } from "../format/platform.ts";

const ROOT = join(import.meta.dir, "..");
const DIST = join(ROOT, "dist");
const ENTRY = join(ROOT, "builder", "cli", "main.ts");

const USAGE = `usage: npm run compile -- [--launchers] [targets…], with targets of: ${TARGET_NAMES.join(", ")}`;

async function compile({ launchers, targets }: Wanted): Promise<void> {
  if (launchers) return makeLaunchers(targets.length === 0 ? TARGET_NAMES : targets);
  doing("create", DIST, () => mkdirSync(DIST, { recursive: true }));
  const bundle = await launcherBundle();
  if (targets.length === 0) say(await compileCli({ entry: ENTRY, outfile: join(DIST, "flavor"), bundle }));
  for (const target of targets)
    say(await compileCli({ entry: ENTRY, outfile: join(DIST, `flavor-${target}`), bundle, target }));
}

async function makeLaunchers(targets: readonly Target[]): Promise<void> {
  for (const target of targets) for (const { path } of await buildLaunchers([target])) say(path);
}

interface Wanted {
  readonly launchers: boolean;
  readonly targets: readonly Target[];
}

function readArguments(args: string[]): Wanted {
  const { values, positionals } = parsed(args);
  const unknown = positionals.filter((name) => !isTarget(name));
  if (unknown.length > 0)
    throw new PspfError(
      "bad-arguments",
      `Cannot compile for ${unknown.join(", ")}: there is no such target`,
      {
        hint: USAGE,
      },
    );
  return { launchers: values.launchers, targets: positionals.filter(isTarget) };
}

function parsed(args: string[]) {
  try {
    const options = { launchers: { type: "boolean", default: false } } as const;
    return parseArgs({ args, options, allowPositionals: true });
  } catch (cause) {
    throw new PspfError("bad-arguments", `Cannot compile with ${args.join(" ")}: an option is unknown`, {
      cause,
      hint: USAGE,
    });
  }
}

const say = (path: string): void => void process.stdout.write(`${path}\n`);

try {
  await compile(readArguments(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${renderError(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
