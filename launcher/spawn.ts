import { readFileSync } from "node:fs";
import type { Lease } from "../format/cache/locks/lock.ts";
import type { Command } from "../format/command/command.ts";
import { CHANNEL } from "../format/command/environment.ts";
import { HIGH_NUMBERS } from "../format/io/libc.ts";
import { cannotStart } from "./cannot-start.ts";

/** How a program ended. */
export interface Ending {
  readonly exitCode: number;
  /** What ended it, when a signal did. */
  readonly signal: NodeJS.Signals | undefined;
}

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

/** A process that outlives the programs it starts: signals reach whichever is running, and do not end the parent. */
export interface Parent extends Disposable {
  /**
   * Starts a program as a child with our streams and waits for its end. It and its children hold the lease, too, if
   * there is one, so that they are safe when we are killed. Throws `start-failed`.
   */
  run(command: Command, lease?: Lease): Promise<Ending>;
}

/** Becomes a parent, until the scope ends. From the first moment: a signal before the child is there must not end us alone. */
export function openParent(): Parent {
  let child: Bun.Subprocess | undefined;
  const handlers = FORWARDED.map((signal) => {
    const handler = () => {
      if (!isFromTerminal(signal)) child?.kill(signal);
    };
    process.on(signal, handler);
    return { signal, handler };
  });
  return {
    async run(command, lease) {
      child = spawnWith(command, lease);
      await child.exited;
      const { exitCode, signalCode } = child;
      child = undefined;
      return { exitCode: exitCode ?? 0, signal: (signalCode as NodeJS.Signals | null) ?? undefined };
    },
    [Symbol.dispose]() {
      for (const { signal, handler } of handlers) process.off(signal, handler);
    },
  };
}

type Streams = ["inherit", "inherit", "inherit", ...(number | null)[]];
const STREAMS: Streams = ["inherit", "inherit", "inherit"];

function spawnWith({ program, args, env }: Command, lease: Lease | undefined): Bun.Subprocess {
  const spawn = (stdio: Streams) => Bun.spawn([program, ...args], { env, stdio });
  // The file of a channel, by which an application that was forked talks to its parent.
  const channel = Number(env[CHANNEL[0]]);
  for (const number of lease === undefined ? [] : HIGH_NUMBERS) {
    const gap = Array.from({ length: number - STREAMS.length }, (_, i) =>
      i + STREAMS.length === channel ? channel : null,
    );
    try {
      return spawn([...STREAMS, ...gap, (lease as Lease).fd]);
    } catch {
      // Fewer files may be open, or it is the program: without a lease, that will be said.
    }
  }
  try {
    return spawn(STREAMS);
  } catch (cause) {
    throw cannotStart(program, cause);
  }
}

/** Keys of a terminal send a signal to everything in its foreground: handed on, it would come twice. */
function isFromTerminal(signal: NodeJS.Signals): boolean {
  return (signal === "SIGINT" || signal === "SIGQUIT") && isInForeground();
}

function isInForeground(): boolean {
  if (process.platform !== "linux") return process.stdin.isTTY;
  try {
    const stat = readFileSync("/proc/self/stat", "utf8");
    const [, , group, , terminal, foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return terminal !== "0" && group === foreground;
  } catch {
    return process.stdin.isTTY;
  }
}
