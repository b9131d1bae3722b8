import { closeSync, readFileSync } from "node:fs";
import { exitCodeOf, renderError } from "../format/errors.ts";
import { type LinuxLibc, loadLinuxLibc } from "../format/io/libc-linux.ts";
import { loadLibc } from "../format/io/libc.ts";
import { startsBun } from "./bun.ts";
import { ORDERED } from "./caller.ts";
import { cannotStart } from "./cannot-start.ts";
import { writeOut } from "./write-out.ts";

/**
 * What a launcher that stays as parent has its child become. The child is this program again, because Bun gives what it
 * starts neither bytes that are no UTF-8, nor ignored signals, nor a death with its parent.
 */
export interface Order {
  readonly program: string;
  readonly args: readonly string[];
  /** `NAME=value` */
  readonly variables: readonly string[];
  /** Numbers of the open files that the program gets, besides the three streams. */
  readonly files: readonly number[];
  /** Those of the three streams that the caller has closed: Bun opens something in their place. */
  readonly closed: readonly number[];
  /** Those that do not wait: Bun makes them wait for what it starts. */
  readonly impatient: readonly number[];
  /** Signals that the caller ignores. */
  readonly ignored: readonly number[];
  readonly parent: number;
  /** What the package is called in messages. */
  readonly name: string;
}

/** What Bun changes of the three streams. Those that it opened in the place of closed ones are marked; nothing inherited is. */
export const callerStreams = (): Pick<Order, "closed" | "impatient"> => ({
  closed: STREAMS.filter((fd) => hasFlag(fd, CLOSE_ON_EXEC)),
  impatient: STREAMS.filter((fd) => hasFlag(fd, NONBLOCK)),
});

const STREAMS = [0, 1, 2];
const CLOSE_ON_EXEC = 0o2000000;
/** As fdinfo has them, on the processors that launchers are made for. */
const NONBLOCK = 0o4000;

function hasFlag(fd: number, flag: number): boolean {
  try {
    const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "0";
    return (Number.parseInt(flags, 8) & flag) !== 0;
  } catch {
    return false;
  }
}

/** Name of a process that is to follow the order in one of its open files. */
export const nameOfOrdered = (fd: number): string => `${ORDERED}${fd}`;

/** Follows the order that lies in an open file. Returns only when the program cannot be started, with the exit code. */
export function followOrder(argv0: string): number {
  const fd = Number(argv0.slice(ORDERED.length));
  const order = JSON.parse(readFileSync(`/proc/self/fd/${fd}`, "utf8")) as Order;
  closeSync(fd);
  const { program, args, variables } = order;
  const libc = loadLibc();
  prepare(order, loadLinuxLibc());
  libc?.resetSignal(SIGPIPE);
  libc?.resetSignal(SIGXFSZ);
  libc?.keepNumbers(order.files);
  if (startsBun(variables)) libc?.openManyFiles();
  libc?.execve(program, [program, ...args], variables);
  try {
    process.execve?.(program, [program, ...args], {});
  } catch (cause) {
    const error = cannotStart(program, cause);
    writeOut(2, `${renderError(error, order.name)}\n`);
    return exitCodeOf(error);
  }
  return 0;
}

function prepare({ closed, impatient, ignored, parent }: Order, linux: LinuxLibc | undefined): void {
  // A program whose launcher is killed ends with it, as it would if it were the launcher's process.
  linux?.signalAtParentDeath(SIGKILL);
  if (process.ppid !== parent) process.kill(process.pid, SIGKILL);
  for (const fd of closed) closeSync(fd);
  for (const fd of impatient) linux?.makeImpatient(fd);
  for (const signal of ignored) linux?.ignoreSignal(signal);
}

const SIGKILL = 9;
const SIGPIPE = 13;
const SIGXFSZ = 25;
