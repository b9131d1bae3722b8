import type { LauncherOptions } from "./env.ts";
import { become } from "./exec.ts";
import type { Invocation } from "./invocation.ts";
import { logOf } from "./log.ts";
import type { Leave } from "./passing.ts";
import { commandIn, ensureWorkenvOf } from "./ready.ts";
import type { Workenv } from "./workenv.ts";

/**
 * The specification: self, index, (metadata, seal,) workenv, command, exec. Returns only where the application cannot
 * take over the process; then with its exit code. A start that finds all ready makes no promise: the first ones cost it
 * more than most of what it does.
 */
export function launch(call: Invocation, options: LauncherOptions): number | Promise<number> {
  const { strategy } = options;
  if (strategy === "balanced" || strategy === "aggressive") return launchIn(call, options);
  return import("./passing.ts").then(({ runPassing }) => runPassing(call, options, launchIn));
}

/** The same, for a workenv that is left so; then the launcher stays as parent. */
function launchIn(call: Invocation, options: LauncherOptions, leave?: Leave): number | Promise<number> {
  const workenv = ensureWorkenvOf(call, options);
  if (workenv instanceof Promise) return workenv.then((made) => startIn(made, call, options, leave));
  return isForThis(workenv, options, leave)
    ? import("./run-inside.ts").then(async ({ runInside }) =>
        (await runInside(workenv, call, logOf(call, options))) ? 0 : startIn(workenv, call, options),
      )
    : startIn(workenv, call, options, leave);
}

function startIn(
  workenv: Workenv,
  call: Invocation,
  options: LauncherOptions,
  leave?: Leave,
): number | Promise<number> {
  // Slots that come and go with the application are a path of their own; nobody else pays for it.
  if (workenv.launch.eachStart || workenv.launch.atEnd)
    return import("./lifetime.ts").then(({ runLifetime }) => runLifetime(workenv, call, options, leave));
  const command = commandIn(workenv, call, logOf(call, options));
  globalThis.failPoint?.("before-exec");
  return become(command, options.execMode, workenv.lease, leave && (() => leave(workenv.layout)));
}

/**
 * Whether the program may be one for this very process. A first start has threads and has grown, so it is not asked
 * there; who is to stay as parent needs another process.
 */
const isForThis = ({ launch }: Workenv, { execMode }: LauncherOptions, leave: Leave | undefined): boolean =>
  launch.execution.command.startsWith("{bun} ") &&
  execMode === "exec" &&
  leave === undefined &&
  !launch.eachStart &&
  !launch.atEnd;
