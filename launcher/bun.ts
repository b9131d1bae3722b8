import { basename, dirname, join, sep } from "node:path";
import type { Command } from "../format/command/command.ts";
import { exists } from "../format/io/quick-files.ts";
import { bunOptions } from "../format/workenv/bun-link.ts";
import type { Invocation } from "./invocation.ts";

/**
 * A compiled Bun executable is the Bun command line when this variable is set. The preload of `bun-runtime.ts`
 * removes it again before the application's first line.
 */
const BE_BUN = { BUN_BE_BUN: "1" } as const;

const BE_BUN_LINE = `BUN_BE_BUN=${BE_BUN.BUN_BE_BUN}`;

/**
 * Whether a program that gets these lines as its variables is Bun: then it may open as many files as Bun would see to by
 * itself, if launchers were not kept from it.
 */
export const startsBun = (variables: readonly string[]): boolean =>
  process.platform === "linux" && variables.includes(BE_BUN_LINE);

/** A command that starts `{bun}`, as one that starts this file and makes it act as Bun. */
export function bunCommand(
  executable: string,
  directory: string,
  command: Command,
  workenv: string,
): Command {
  const env: Record<string, string> = { ...command.env, ...BE_BUN };
  // With it Bun leaves out our preload.
  delete env["BUN_DISABLE_TRANSPILER"];
  return {
    program: executable,
    args: [...bunOptions(directory, tsconfigFor(command.args, workenv)), ...command.args],
    env,
  };
}

/** The tsconfig.json that the application brought for its own script. */
export function tsconfigFor(args: readonly string[], workenv: string): string | undefined {
  const script = args.find((arg) => arg.startsWith(workenv + sep));
  if (script === undefined) return undefined;
  for (let folder = dirname(script); folder.startsWith(workenv); folder = dirname(folder)) {
    const config = join(folder, "tsconfig.json");
    if (exists(config)) return config;
  }
  return undefined;
}

const isRuntimeName = (path: string): boolean => /[/\\]\.[0-9a-f]{16}\.pspf[/\\]bun[/\\]bun$/.test(path);

/** When this file was started under the name of a workenv's Bun: the command that does what that name says. */
export function bunCalled({ argv0, executable, args, env }: Invocation): Command | undefined {
  if (!argv0.endsWith("bun") || !isRuntimeName(argv0)) return undefined;
  const directory = dirname(argv0);
  const bookkeeping = dirname(directory);
  const workenv = join(dirname(bookkeeping), basename(bookkeeping).slice(1, 17));
  return bunCommand(executable, directory, { program: executable, args, env }, workenv);
}
