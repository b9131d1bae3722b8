import { constants } from "node:os";
import type { Command } from "../format/command/command.ts";
import { cannotStart } from "./cannot-start.ts";

const FORWARDED = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGCONT",
  "SIGWINCH",
] as const;

/** Starts the program as a child, hands signals on, and returns its exit code: 128 + n when a signal ended it. */
export async function runAsChild({ program, args, env }: Command): Promise<number> {
  let child: Bun.Subprocess;
  // Before the child is there: a signal that came in between would end us alone. No handler runs until we wait.
  const handlers = FORWARDED.map((signal) => [signal, () => child.kill(signal)] as const);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  try {
    child = Bun.spawn([program, ...args], { env, stdio: ["inherit", "inherit", "inherit"] });
  } catch (cause) {
    throw cannotStart(program, cause);
  }
  await child.exited;
  for (const [signal, handler] of handlers) process.off(signal, handler);
  const { signalCode, exitCode } = child;
  return signalCode === null ? (exitCode ?? 0) : 128 + (constants.signals[signalCode as NodeJS.Signals] ?? 0);
}
