import { basename } from "node:path";
import { printable } from "../format/errors.ts";
import { LOG_LEVELS, type LauncherOptions, type LogLevel } from "./env.ts";
import type { Invocation } from "./invocation.ts";
import { writeOut } from "./write-out.ts";

export type Log = (level: Exclude<LogLevel, "silent">, text: () => string) => void;

/**
 * Lines on stderr up to the level that FLAVOR_LOG_LEVEL asks for, with the milliseconds since the process began.
 * Silent unless asked; a line that is not shown is not even made.
 */
export function logOf(
  call: Pick<Invocation, "argv0">,
  { logLevel }: Pick<LauncherOptions, "logLevel">,
  write = (line: string) => writeOut(2, line),
): Log {
  const shown = LOG_LEVELS.indexOf(logLevel);
  return (level, text) => {
    if (LOG_LEVELS.indexOf(level) > shown) return;
    const line = `${basename(call.argv0)}: ${level} ${performance.now().toFixed(1)} ms: ${text()}`;
    write(`${printable(line)}\n`);
  };
}
