import { readFileSync } from "node:fs";
import { constants } from "node:os";

/** Those that Bun sets itself, before anybody can look. */
const OF_BUN = [4, 5, 6, 7, 8, 11, 13, 25, 30, 31];

let known: readonly number[] | undefined;

/**
 * Signals that the caller ignores, as the system tells; none where it does not. To be asked before this process handles
 * any, and kept from then on.
 */
export function ignoredSignals(): readonly number[] {
  known ??= readIgnored();
  return known;
}

function readIgnored(): readonly number[] {
  try {
    const status = readFileSync("/proc/self/status", "utf8");
    const mask = [...Buffer.from(/^SigIgn:\s+(\w+)/m.exec(status)?.[1] ?? "", "hex")].reverse();
    const numbers = mask.flatMap((byte, at) =>
      Array.from({ length: 8 }, (_, bit) => ((byte >> bit) & 1 ? 8 * at + bit + 1 : 0)),
    );
    return numbers.filter((number) => number > 0 && !OF_BUN.includes(number));
  } catch {
    return [];
  }
}

/** Those that ask a process to end. */
const ENDING = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Signals that end this process. Those that the caller ignores do not, as with nohup and behind the `&` of a shell. */
export const endingSignals = (): readonly (typeof ENDING)[number][] =>
  ENDING.filter((signal) => !ignoredSignals().includes(constants.signals[signal]));

/** Calls when this process is asked to end, until the returned function is called. */
export function onEnding(work: (signal: NodeJS.Signals) => void): () => void {
  const end = (signal: NodeJS.Signals) => {
    work(signal);
    stop();
    // Whoever else listens decides how to end; when nobody does, the signal does what it always does.
    if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  };
  const stop = () => {
    for (const signal of endingSignals()) process.off(signal, end);
  };
  for (const signal of endingSignals()) process.on(signal, end);
  return stop;
}
