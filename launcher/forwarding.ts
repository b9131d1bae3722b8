import { readFileSync } from "node:fs";
import { constants } from "node:os";

const FORWARDED: readonly NodeJS.Signals[] = [
  "SIGINT",
  "SIGTERM",
  "SIGHUP",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGVTALRM",
  "SIGIO",
  "SIGURG",
  "SIGCONT",
  "SIGWINCH",
];

/**
 * Until the scope ends, hands signals on to the child that there is, if there is one, but for those that the caller
 * ignores, which the child ignores as well. On Linux it also stops when the child does, for the shell to see.
 */
export function handleSignals(
  ignored: readonly number[],
  child: () => Bun.Subprocess | undefined,
): Disposable {
  const forwarded = process.platform === "linux" ? [...FORWARDED, "SIGTSTP" as const] : FORWARDED;
  const handlers = forwarded
    .filter((signal) => !ignored.includes(constants.signals[signal]))
    .map((signal): readonly [NodeJS.Signals, () => void] => [
      signal,
      () => {
        if (!isFromTerminal(signal)) child()?.kill(signal);
      },
    ]);
  if (process.platform === "linux") handlers.push(["SIGCHLD", () => stopWith(child())]);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return {
    [Symbol.dispose]() {
      for (const [signal, handler] of handlers) process.off(signal, handler);
    },
  };
}

/** Who is told to go on hands that on. */
function stopWith(child: Bun.Subprocess | undefined): void {
  if (child !== undefined && statusOf(child.pid)[0] === "T") process.kill(process.pid, "SIGSTOP");
}

/** State, parent, group, session, terminal and the group in its foreground. */
function statusOf(pid: number | "self"): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return [];
  }
}

/** Keys of a terminal send a signal to everything in its foreground: handed on, it would come twice. */
function isFromTerminal(signal: NodeJS.Signals): boolean {
  return ["SIGINT", "SIGQUIT", "SIGTSTP"].includes(signal) && isInForeground();
}

function isInForeground(): boolean {
  const [, , group, , terminal, foreground] = process.platform === "linux" ? statusOf("self") : [];
  return group === undefined ? process.stdin.isTTY : terminal !== "0" && group === foreground;
}
