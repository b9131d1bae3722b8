import { chmodSync, lstatSync, readdirSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { buildCommand } from "../command/command.ts";
import { type Environment, globToRegExp } from "../command/environment.ts";
import { fillTemplate, type Scope } from "../command/template.ts";
import { type ErrorFacts, PspfError } from "../errors.ts";
import { doing, errnoOf, ioError } from "../io/fs.ts";
import { replaceFile } from "../io/replacement.ts";
import type { SafePath } from "../types.ts";
import type { SetupCommand } from "../wire/metadata-types.ts";

/**
 * Runs the setup commands in order, in the workenv's final place. Their output is shown only when one fails
 * (`setup-failed`), which ends the setup.
 */
export function runSetup(commands: readonly SetupCommand[], scope: Scope, env: Environment): void {
  for (const command of commands) runOne(command, scope, env);
}

function runOne(setup: SetupCommand, scope: Scope, env: Environment): void {
  switch (setup.type) {
    case "execute":
      return execute(setup.command, [], scope, env);
    case "enumerate_and_execute": {
      const folder = inWorkenv(setup.enumerate.path, scope);
      for (const file of filesIn(folder, setup.enumerate.pattern))
        execute(setup.command, setup.command.includes("{file}") ? [] : [file], { ...scope, file }, env);
      return;
    }
    case "write_file":
      return replaceFile(
        inWorkenv(setup.path, scope),
        fillTemplate(setup.content, scope),
        setup.mode ?? 0o644,
      );
    case "chmod": {
      const path = inWorkenv(setup.path, scope);
      for (const file of filesIn(dirname(path), basename(path)))
        doing("change the mode of", file, () => chmodSync(file, setup.mode & 0o777));
      return;
    }
    default:
      return setup satisfies never;
  }
}

/** Only paths inside the workenv are written to, changed or listed. */
function inWorkenv(template: string, scope: Scope): SafePath {
  const path = resolve(scope.workenv, fillTemplate(template, scope));
  const back = relative(scope.workenv, path);
  if (back === ".." || back.startsWith(`..${sep}`) || isAbsolute(back))
    throw new PspfError(
      "path-escapes",
      `Cannot use ${template} in a setup command: it leads outside the workenv`,
    );
  return path as SafePath;
}

/** Regular files of a folder whose names match, sorted; links are left alone. A missing folder has none. */
function filesIn(folder: string, pattern: string): readonly string[] {
  const matches = globToRegExp(pattern);
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw ioError("list", folder, error);
  }
  const isHidden = (name: string) => name.startsWith(".") && !pattern.startsWith(".");
  return names
    .filter((name) => matches.test(name) && !isHidden(name))
    .sort()
    .map((name) => join(folder, name))
    .filter((file) => lstatSync(file).isFile());
}

const SHOWN_LINES = 20;

function execute(template: string, more: readonly string[], scope: Scope, env: Environment): void {
  const { program, args } = buildCommand(template, more, scope, env);
  const failed = (state: string, facts: Pick<ErrorFacts, "problems" | "cause">) =>
    new PspfError("setup-failed", `Cannot set up the package: "${template}" ${state}`, {
      ...facts,
      hint: "the next start tries again",
    });
  let result: Bun.SyncSubprocess<"pipe", "pipe">;
  try {
    const streams = { stdin: "ignore", stdout: "pipe", stderr: "pipe" } as const;
    result = Bun.spawnSync([program, ...args], { cwd: scope.workenv, env, ...streams });
  } catch (cause) {
    throw failed("does not start", { cause });
  }
  const { exitCode, signalCode, stdout, stderr } = result;
  if (exitCode === 0) return;
  const output = `${stdout.toString()}${stderr.toString()}`.trimEnd().split("\n");
  const end =
    signalCode === undefined || signalCode === null
      ? `it ended with ${exitCode}`
      : `it was ended by ${signalCode}`;
  const problems = output.slice(-SHOWN_LINES).filter((line) => line !== "");
  throw failed(`failed, ${end}`, { problems });
}
