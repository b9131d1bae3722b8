import type { LauncherOptions } from "./env.ts";
import { become } from "./exec.ts";
import type { Invocation } from "./invocation.ts";
import { logOf } from "./log.ts";
import type { Leave } from "./passing.ts";
import { commandIn, ensureWorkenvOf } from "./ready.ts";

/**
 * The specification: self, index, (metadata, seal,) workenv, command, exec. Returns only where the application cannot
 * take over the process; then with its exit code.
 */
export async function launch(call: Invocation, options: LauncherOptions): Promise<number> {
  const { strategy } = options;
  if (strategy === "balanced" || strategy === "aggressive") return launchIn(call, options);
  return (await import("./passing.ts")).runPassing(call, options, launchIn);
}

/** The same, for a workenv that is left so; then the launcher stays as parent. */
async function launchIn(call: Invocation, options: LauncherOptions, leave?: Leave): Promise<number> {
  const workenv = await ensureWorkenvOf(call, options);
  // Slots that come and go with the application are a path of their own; nobody else pays for it.
  if (workenv.launch.eachStart || workenv.launch.atEnd)
    return (await import("./lifetime.ts")).runLifetime(workenv, call, options, leave);
  const command = commandIn(workenv, call, logOf(call, options));
  globalThis.failPoint?.("before-exec");
  return become(command, options.execMode, workenv.lease, leave && (() => leave(workenv.layout)));
}
