import { constants } from "node:os";
import type { EnsureRequest } from "../format/workenv/ensure.ts";
import { endLike } from "./end-like.ts";
import { hearSignals } from "./hear-signals.ts";
import { ignoredSignals } from "../format/io/ignored-signals.ts";

const ENDING = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

type Interruptible = NonNullable<EnsureRequest["interruptible"]>;

/**
 * Does work with parts that must not just break off when a signal asks this process to end: such a part is told, with
 * the signal's name as the reason, and throws. When everything is cleaned up, the process ends by that signal.
 */
export async function withInterruptible<T>(work: (interruptible: Interruptible) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const { signal: interrupted } = controller;
  const interruptible: Interruptible = async (part) => {
    const ignored = ignoredSignals();
    const ending = ENDING.filter((signal) => !ignored.includes(constants.signals[signal]));
    const handlers = ending.map((signal) => [signal, () => controller.abort(signal)] as const);
    for (const [signal, handler] of handlers) process.on(signal, handler);
    try {
      const result = await part(interrupted);
      await hearSignals();
      interrupted.throwIfAborted();
      return result;
    } finally {
      for (const [signal, handler] of handlers) process.off(signal, handler);
    }
  };
  try {
    return await work(interruptible);
  } catch (error) {
    if (!interrupted.aborted) throw error;
    return process.exit(endLike({ exitCode: 0, signal: interrupted.reason as NodeJS.Signals }));
  }
}
