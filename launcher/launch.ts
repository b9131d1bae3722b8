import { buildCommand, type Command } from "../format/command/command.ts";
import { openFileSource } from "../format/io/byte-source.ts";
import { readIndexBlock } from "../format/wire/trailer.ts";
import { pointBunTo } from "../format/workenv/bun-runtime.ts";
import { bunCommand } from "./bun.ts";
import type { LauncherOptions } from "./env.ts";
import { become } from "./exec.ts";
import type { Invocation } from "./invocation.ts";
import { logOf } from "./log.ts";
import { findWorkenv, type Workenv } from "./workenv.ts";

/**
 * The specification: self, index, (metadata, seal,) workenv, command, exec. Returns only where the application cannot
 * take over the process; then with its exit code.
 */
export async function launch(call: Invocation, options: LauncherOptions): Promise<number> {
  const log = logOf(call, options);
  const workenv = await ensureWorkenvOf(call, options);
  log("debug", () => `the workenv is ready: ${workenv.layout.content}`);
  const command = commandIn(workenv, call);
  log("debug", () => `starting ${[command.program, ...command.args].join(" ")}`);
  globalThis.failPoint?.("before-exec");
  return become(command, options.execMode, workenv.lease);
}

/** The workenv of the package: as it was left by an earlier start, else made now from metadata and slots. */
export async function ensureWorkenvOf(call: Invocation, options: LauncherOptions): Promise<Workenv> {
  using self = openFileSource(call.package);
  const block = await readIndexBlock(self);
  const ready = findWorkenv(block, call, options);
  if (ready !== undefined) return ready;
  const { prepareWorkenv } = await import("./prepare.ts");
  return await prepareWorkenv(self, block, call, options); // `self` stays open until then
}

function commandIn({ launch, layout, scope, env }: Workenv, call: Invocation): Command {
  if (launch.usesBun) pointBunTo(layout.bun, call.executable);
  const command = buildCommand(launch.execution.command, call.args, scope, env);
  return command.program === scope.bun
    ? bunCommand(call.executable, layout.bun, command, layout.content)
    : command;
}
