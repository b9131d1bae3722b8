import { constants } from "node:os";
import { PspfError } from "../../format/errors.ts";
import { endingSignals } from "../../format/io/ignored-signals.ts";
import type { Environment } from "../launchers/base.ts";

/**
 * Becomes the program: same process, nothing left of us. Windows cannot do that: there it is a child, and its exit
 * code is returned, 128 and the number of the signal when one ended it.
 */
export async function become(program: string, args: readonly string[], env: Environment): Promise<number> {
  const defined = Object.fromEntries(
    Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
  try {
    if (process.execve !== undefined && process.platform !== "win32") {
      await hearSignals();
      // What comes from here on ends us at once: it takes milliseconds until the program is there.
      for (const signal of endingSignals()) process.removeAllListeners(signal);
      return process.execve(program, [program, ...args], defined) as never;
    }
    return await runAsChild(program, args, defined);
  } catch (cause) {
    throw new PspfError("start-failed", `Cannot start the launcher ${program}`, { cause });
  }
}

/**
 * A signal that has come until now ends us, as our handlers have it: first they hear of it, then they end us. The program
 * would know nothing of it.
 */
async function hearSignals(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise<void>((resume) => setImmediate(resume));
}

/** The same with a child on every system. */
export async function runAsChild(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const child = Bun.spawn([program, ...args], { env, stdio: ["inherit", "inherit", "inherit"] });
  const handOver = (signal: NodeJS.Signals) => void child.kill(signal);
  // Our own endings would leave the child alone.
  const former = endingSignals().map((signal) => [signal, process.listeners(signal)] as const);
  for (const signal of endingSignals()) process.removeAllListeners(signal).on(signal, handOver);
  await child.exited;
  for (const [signal, listeners] of former) {
    process.off(signal, handOver);
    for (const listener of listeners) process.on(signal, listener);
  }
  const { signalCode, exitCode } = child;
  return signalCode === null ? (exitCode ?? 0) : 128 + (constants.signals[signalCode as NodeJS.Signals] ?? 0);
}
