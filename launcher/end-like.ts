import { constants } from "node:os";
import { loadLibc } from "../format/io/libc.ts";
import type { Ending } from "./spawn.ts";

/**
 * Ends this process as a program has ended, by the same signal where one did, so that whoever waits for it sees no
 * difference. Returns the exit code where that is all that can be done: 128 + n stands for signal n.
 */
export function endLike({ exitCode, signal }: Ending): number {
  const number = typeof signal === "string" ? constants.signals[signal] : signal;
  const libc = loadLibc();
  if (signal === undefined || number === undefined) {
    // At an end of its own Bun sets the terminal back to what it was before the program set it.
    libc?.exitNow(exitCode);
    return exitCode;
  }
  if (libc !== undefined) {
    libc.withoutCore();
    libc.resetSignal(number);
    // Does not return, but for the first process of a container, whom default actions do not end.
    process.kill(process.pid, number);
  }
  return 128 + number;
}
