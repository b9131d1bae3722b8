import { type Command, CommanderError } from "commander";
import { PspfError } from "../../format/errors.ts";

/** Makes every command of the tree throw: usage errors as `bad-arguments`, the rest as commander's own. */
export function throwUsageErrors(command: Command, path = command.name()): void {
  command.exitOverride((error) => {
    if (error.code.startsWith("commander.help") || error.code === "commander.version") throw error;
    throw usageError(error, path);
  });
  for (const child of command.commands) throwUsageErrors(child, `${path} ${child.name()}`);
}

function usageError({ message }: CommanderError, path: string): PspfError {
  // "error: unknown option '--jsn'\n(Did you mean --json?)"
  const [fact = "", ...rest] = message.replace(/^error: /, "").split("\n");
  const suggestion = rest.map((line) => line.trim().replace(/^\(D/, "(d")).join(" ");
  const state = [withoutValues(fact).replace(/\.$/, ""), suggestion].filter((text) => text !== "").join(" ");
  return new PspfError("bad-arguments", `Cannot understand the command line: ${state}`, {
    hint: `see "${path} --help"`,
  });
}

/** What is too much may be a secret that was typed behind an option which takes none. */
const withoutValues = (fact: string): string =>
  fact
    .replace(/^(unknown option '-[^=']*)=.*'/s, "$1'")
    .replace(/^(too many arguments.* but got \d+): .*/s, "$1");

/**
 * The exit code of a run that commander ended by itself, or undefined for other errors: 0 when help or the version was asked
 * for. A group of commands alone shows its help, but nothing was done.
 */
export function exitOfHelp(error: unknown): number | undefined {
  if (!(error instanceof CommanderError)) return undefined;
  return error.exitCode === 0 ? 0 : 105;
}
