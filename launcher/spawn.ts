import { closeSync } from "node:fs";
import { basename } from "node:path";
import type { Lease } from "../format/cache/locks/lock.ts";
import type { Command } from "../format/command/command.ts";
import { CHANNEL } from "../format/command/environment.ts";
import { HIGH_NUMBERS, loadLibc } from "../format/io/libc.ts";
import { loadLinuxLibc } from "../format/io/libc-linux.ts";
import { inheritedFiles, linesOf } from "./caller.ts";
import { waitForChildren } from "./own-children.ts";
import { cannotStart } from "./cannot-start.ts";
import { handleSignals } from "./forwarding.ts";
import { ignoredSignals } from "../format/io/ignored-signals.ts";
import { callerStreams, nameOfOrdered, type Order } from "./order.ts";

/** How a program ended. */
export interface Ending {
  readonly exitCode: number;
  /** What ended it, when a signal did; Bun has no names for real-time ones. */
  readonly signal: NodeJS.Signals | number | undefined;
}

/** A process that outlives the programs it starts: signals reach whichever is running, and do not end the parent. */
export interface Parent extends Disposable {
  /**
   * Starts the application as a child with our streams and all that our caller gave us, and waits for its end. It and
   * its children hold the lease, too, if there is one, so that they are safe when we are killed; on Linux it itself is
   * killed then as well. Throws `start-failed`.
   */
  runApplication(command: Command, lease?: Lease): Promise<Ending>;
  /** Starts another program with our streams, and waits for its end. Throws `start-failed`. */
  run(command: Command): Promise<Ending>;
}

/** Becomes a parent, until the scope ends. From the first moment: a signal before the child is there must not end us alone. */
export function openParent(): Parent {
  let child: Bun.Subprocess | undefined;
  const ignored = ignoredSignals();
  waitForChildren();
  const handlers = handleSignals(ignored, () => child);
  const ended = async (started: Bun.Subprocess): Promise<Ending> => {
    child = started;
    await started.exited;
    const { exitCode, signalCode } = started;
    child = undefined;
    return { exitCode: exitCode ?? 0, signal: (signalCode as NodeJS.Signals | number | null) ?? undefined };
  };
  return {
    runApplication: (command, lease) => ended(startApplication(command, lease, ignored)),
    run: (command) => ended(spawn(command, NO_FILES)),
    [Symbol.dispose]: () => handlers[Symbol.dispose](),
  };
}

/** Open files of ours, by the number that they get in a child. */
type Files = ReadonlyMap<number, number>;
const NO_FILES: Files = new Map();
/** A child gets files with numbers below this one; more cannot be listed for Bun in reasonable time. */
const NUMBERS = 4096;

function startApplication(
  command: Command,
  lease: Lease | undefined,
  ignored: readonly number[],
): Bun.Subprocess {
  // The file of a channel, by which an application that was forked talks to its parent.
  const channel = Number(command.env[CHANNEL[0]] ?? Number.NaN);
  const numbers = [...inheritedFiles, channel].filter((fd) => fd > 2 && fd < NUMBERS);
  const files: Files = new Map(numbers.map((fd) => [fd, fd]));
  const linux = loadLibc() === undefined ? undefined : loadLinuxLibc();
  const start = (given: Files) => {
    if (linux === undefined) return spawn(command, given);
    // A number that nothing has to be read from later, when it has been taken for the order.
    const number = firstFree([...given.keys(), ...given.values()]);
    const order: Order = {
      program: command.program,
      args: command.args,
      variables: linesOf(command.env),
      files: [...given.keys()],
      ...callerStreams(),
      ignored,
      parent: process.pid,
      name: basename(process.argv0),
    };
    let file: number | undefined;
    try {
      file = linux.memoryFile(JSON.stringify(order));
      const withOrder = new Map([...given, [number, file] as const]);
      return Bun.spawn([process.execPath], { argv0: nameOfOrdered(number), stdio: stdioOf(withOrder) });
    } catch {
      // This file may have been replaced meanwhile.
      return spawn(command, given);
    } finally {
      if (file !== undefined) closeSync(file);
    }
  };
  for (const number of lease === undefined ? [] : HIGH_NUMBERS.filter((high) => !files.has(high))) {
    try {
      return start(new Map([...files, [number, (lease as Lease).fd]]));
    } catch {
      // Fewer files may be open, or it is the program: without a lease, that will be said.
    }
  }
  return start(files);
}

const firstFree = (taken: readonly number[]): number => {
  let number = 3;
  while (taken.includes(number)) number++;
  return number;
};

function spawn({ program, args, env }: Command, files: Files): Bun.Subprocess {
  try {
    return Bun.spawn([program, ...args], { env, stdio: stdioOf(files) });
  } catch (cause) {
    throw cannotStart(program, cause);
  }
}

type Streams = ["inherit", "inherit", "inherit", ...(number | null)[]];

function stdioOf(files: Files): Streams {
  const length = Math.max(2, ...files.keys()) - 2;
  return ["inherit", "inherit", "inherit", ...Array.from({ length }, (_, i) => files.get(i + 3) ?? null)];
}
