import { chmodSync, lstatSync, readdirSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { buildCommand } from "../command/command.ts";
import type { Environment } from "../command/environment.ts";
import { globMatcher } from "../command/globs.ts";
import { fillTemplate, type Scope } from "../command/template.ts";
import { type ErrorFacts, PspfError } from "../errors.ts";
import { doing, errnoOf, ioError } from "../io/fs.ts";
import { replaceFile } from "../io/replacement.ts";
import type { SafePath } from "../types.ts";
import type { SetupCommand } from "../wire/metadata-types.ts";
import { type CapturedEnding, runCaptured } from "./run-captured.ts";

/** What setup commands see, and what ends them. */
export interface SetupContext {
  readonly scope: Scope;
  readonly env: Environment;
  /** Ends the command that is running, and the setup with its reason; when that is a signal's name, by that signal. */
  readonly interrupted?: AbortSignal | undefined;
  /** An open file that all of them hold, and what they start. */
  readonly held?: number | undefined;
}

/**
 * Runs the setup commands in order, in the workenv's final place. Their output is shown only when one fails
 * (`setup-failed`), which ends the setup. What a command leaves running in the background is not waited for.
 */
export async function runSetup(commands: readonly SetupCommand[], context: SetupContext): Promise<void> {
  for (const command of commands) await runOne(command, context);
}

async function runOne(setup: SetupCommand, context: SetupContext): Promise<void> {
  const { scope } = context;
  switch (setup.type) {
    case "execute":
      return execute(setup.command, [], context);
    case "enumerate_and_execute": {
      const folder = inWorkenv(setup.enumerate.path, scope);
      const more = (file: string) => (setup.command.includes("{file}") ? [] : [file]);
      for (const file of filesIn(folder, setup.enumerate.pattern))
        await execute(setup.command, more(file), { ...context, scope: { ...scope, file } });
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
  const matches = globMatcher(pattern);
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw ioError("list", folder, error);
  }
  const isHidden = (name: string) => name.startsWith(".") && !pattern.startsWith(".");
  return names
    .filter((name) => matches(name) && !isHidden(name))
    .sort()
    .map((name) => join(folder, name))
    .filter((file) => lstatSync(file).isFile());
}

async function execute(
  template: string,
  more: readonly string[],
  { scope, env, interrupted, held }: SetupContext,
): Promise<void> {
  const { program, args } = buildCommand(template, more, scope, env);
  const failed = (state: string, facts: Pick<ErrorFacts, "problems" | "cause">) =>
    new PspfError("setup-failed", `Cannot set up the package: "${template}" ${state}`, {
      ...facts,
      hint: "the next start tries again",
    });
  interrupted?.throwIfAborted();
  let ending: CapturedEnding;
  try {
    ending = await runCaptured([program, ...args], { cwd: scope.workenv, env, interrupted, held });
  } catch (cause) {
    throw failed("does not start", { cause });
  }
  interrupted?.throwIfAborted();
  const { exitCode, signal, lines } = ending;
  if (exitCode === 0) return;
  const end = signal === undefined ? `it ended with ${exitCode}` : `it was ended by ${signal}`;
  throw failed(`failed, ${end}`, { problems: lines });
}
