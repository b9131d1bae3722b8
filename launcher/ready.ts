import { buildCommand, type Command } from "../format/command/command.ts";
import { openFileSource } from "../format/io/byte-source.ts";
import { isBelow } from "../format/trust/levels.ts";
import { readIndexBlock } from "../format/wire/trailer.ts";
import { pointBunTo } from "../format/workenv/bun-runtime.ts";
import { bunCommand } from "./bun.ts";
import type { LauncherOptions } from "./env.ts";
import type { Invocation } from "./invocation.ts";
import type { Log } from "./log.ts";
import { findWorkenv, type Workenv } from "./workenv.ts";

/** The workenv of the package: as it was left by an earlier start, else made now from metadata and slots. */
export async function ensureWorkenvOf(call: Invocation, options: LauncherOptions): Promise<Workenv> {
  // The environment may not ask for less than the machine's owner allows, also where all is ready.
  if (options.isLevelAsked && isBelow(options.validation, "standard"))
    (await import("./trust.ts")).levelOf(call, options);
  using self = openFileSource(call.package);
  const block = await readIndexBlock(self);
  const ready = findWorkenv(block, call, options);
  if (ready !== undefined) return ready;
  (await import("./own-children.ts")).waitForChildren();
  const { prepareWorkenv } = await import("./prepare.ts");
  return await prepareWorkenv(self, block, call, options); // `self` stays open until then
}

/** The application's command in a workenv that is ready. */
export function commandIn({ launch, layout, scope, env }: Workenv, call: Invocation, log: Log): Command {
  log("debug", () => `the workenv is ready: ${layout.content}`);
  if (launch.usesBun) pointBunTo(layout.bun, call.executable);
  const filledIn = buildCommand(launch.execution.command, call.args, scope, env);
  const command =
    filledIn.program === scope.bun
      ? bunCommand(call.executable, layout.bun, filledIn, layout.content)
      : filledIn;
  log("debug", () => `starting ${[command.program, ...command.args].join(" ")}`);
  return command;
}
