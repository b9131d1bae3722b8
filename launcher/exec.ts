import type { Command } from "../format/command/command.ts";
import { loadLibc } from "../format/io/libc.ts";
import { cannotStart } from "./cannot-start.ts";
import type { LauncherOptions } from "./env.ts";

/**
 * Becomes the program: same process, nothing left of the launcher. Where that is impossible (Windows) or not wanted
 * (`FLAVOR_EXEC_MODE=spawn`), starts it as a child and returns its exit code.
 */
export async function become(command: Command, mode: LauncherOptions["execMode"]): Promise<number> {
  const cannotExec = process.platform === "win32" || process.execve === undefined;
  if (mode === "spawn" || cannotExec) return (await import("./spawn.ts")).runAsChild(command);
  restoreSignals();
  try {
    return process.execve?.(command.program, [command.program, ...command.args], command.env) as never;
  } catch (cause) {
    throw cannotStart(command.program, cause);
  }
}

const SIGPIPE = 13;
const SIGXFSZ = 25;

/** Bun ignores these two signals, and an ignored signal stays ignored in the program: `app | head` would not end. */
function restoreSignals(): void {
  const libc = loadLibc();
  libc?.resetSignal(SIGPIPE);
  libc?.resetSignal(SIGXFSZ);
}
