import { fstatSync } from "node:fs";
import { constants } from "node:os";
import { basename } from "node:path";
import type { Progress } from "../format/progress/progress.ts";
import { endLike } from "./end-like.ts";
import { hearSignals } from "./hear-signals.ts";
import type { Invocation } from "./invocation.ts";
import { ignoredSignals } from "../format/io/ignored-signals.ts";
import { makeWayBy, writeNow } from "./write-out.ts";

/** A bar on the caller's terminal, for as long as its scope lasts. */
type ProgressScope = Progress & AsyncDisposable;

/**
 * Shows the caller how work gets on that takes longer than a second; undefined where nobody looks on. It makes way for
 * everything that the launcher writes, and is gone when its scope ends.
 */
export async function openProgress({ argv0, env, host }: Invocation): Promise<ProgressScope | undefined> {
  const isWindows = host.os === "windows";
  if (!isWindows && !isDevice(2)) return undefined;
  const { isInForeground, isWatched } = await import("../format/progress/watched.ts");
  if (!isWatched(env, isWindows)) return undefined;
  const { openBar } = await import("../format/progress/bar.ts");
  const handlers = new DisposableStack();
  let isDrawn = false;
  const bar = openBar({
    write(text) {
      if (!isDrawn) handlers.use(clearAtSignals(() => bar.end()));
      isDrawn = true;
      writeNow(2, text);
    },
    // Asking Bun takes ten milliseconds at first: it is not asked before a line is due.
    columns: () => process.stderr.columns,
    isOurs: () => process.stderr.isTTY === true && isInForeground(),
  });
  makeWayBy(bar.hide);
  return {
    begin: (deed, total) => bar.begin(`${deed} ${basename(argv0)}`, total),
    add: bar.add,
    end: bar.end,
    async [Symbol.asyncDispose]() {
      bar.end();
      makeWayBy(undefined);
      if (isDrawn) await hearSignals();
      handlers.dispose();
    },
  };
}

/** So is a terminal, and this is known at once. */
function isDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
  } catch {
    return false;
  }
}

const ENDING = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

/** A signal that ends this process clears the terminal first; where somebody else handles it, that one ends us. */
function clearAtSignals(clear: () => void): Disposable {
  const ending = ENDING.filter((signal) => !ignoredSignals().includes(constants.signals[signal]));
  const handlers = ending.map((signal) => {
    const handler = () => {
      if (process.listenerCount(signal) > 1) return;
      clear();
      process.exit(endLike({ exitCode: 0, signal }));
    };
    return [signal, handler] as const;
  });
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return {
    [Symbol.dispose]() {
      for (const [signal, handler] of handlers) process.off(signal, handler);
    },
  };
}
