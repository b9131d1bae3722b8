import { buildCommand, type Command } from "../format/command/command.ts";
import { lastBytes } from "../format/io/last-bytes.ts";
import { TRAILER_SIZE } from "../format/spec.ts";
import { isBelow } from "../format/trust/levels.ts";
import { unframeIndex } from "../format/wire/trailer.ts";
import { canPointBunTo } from "../format/workenv/bun-link.ts";
import { bunCommand } from "./bun.ts";
import type { LauncherOptions } from "./env.ts";
import type { Invocation } from "./invocation.ts";
import { type Log, logOf } from "./log.ts";
import { findWorkenv, type Workenv } from "./workenv.ts";

/** The workenv of the package: as it was left by an earlier start, else made now from metadata and slots. */
export function ensureWorkenvOf(call: Invocation, options: LauncherOptions): Workenv | Promise<Workenv> {
  // The environment may not ask for less than the machine's owner allows, also where all is ready.
  if (options.isLevelAsked && isBelow(options.validation, "standard")) return askedFor(call, options);
  return readyWorkenv(call, options) ?? madeWorkenv(call, options);
}

async function askedFor(call: Invocation, options: LauncherOptions): Promise<Workenv> {
  (await import("./trust.ts")).levelOf(call, options);
  return readyWorkenv(call, options) ?? madeWorkenv(call, options);
}

/** What an earlier start has left. Not a promise, as nothing on the way of a warm start: the first one costs too much. */
function readyWorkenv(call: Invocation, options: LauncherOptions): Workenv | undefined {
  const log = logOf(call, options);
  log("debug", () => "arguments and environment are read");
  const trailer = lastBytes(call.package, TRAILER_SIZE);
  const block = trailer && unframeIndex(trailer);
  log("debug", () => (block === undefined ? "this file has no index at its end" : "the index is read"));
  return block && findWorkenv(block, call, options);
}

async function madeWorkenv(call: Invocation, options: LauncherOptions): Promise<Workenv> {
  return (await import("./prepare.ts")).prepareFromFile(call, options);
}

/** The application's command in a workenv that is ready. */
export function commandIn({ launch, layout, scope, env }: Workenv, call: Invocation, log: Log): Command {
  log("debug", () => `the workenv is ready: ${layout.content}`);
  // Where the link cannot be made, only what the application starts by its name will miss it.
  const hasLink = !launch.usesBun || canPointBunTo(layout.bun, call.executable);
  const known = hasLink ? scope : { ...scope, bun: call.executable };
  const filledIn = buildCommand(launch.execution.command, call.args, known, env);
  const command =
    filledIn.program === known.bun
      ? bunCommand(call.executable, layout.bun, filledIn, layout.content)
      : filledIn;
  log("debug", () => `starting ${[command.program, ...command.args].join(" ")}`);
  return command;
}
