import { basename } from "node:path";
import { printable } from "../format/errors.ts";
import type { Invocation } from "./invocation.ts";
import { writeOut } from "./write-out.ts";

/** A line on stderr under the package's name. The launcher is silent but for warnings and failures. */
export const say = (call: Pick<Invocation, "argv0">, text: string): void => {
  writeOut(2, `${printable(basename(call.argv0))}: ${text.split("\n").map(printable).join("\n")}\n`);
};

/** One line about something that failed and stops nothing. */
export const warn = (call: Pick<Invocation, "argv0">, text: string, error?: unknown): void => {
  const [reason] =
    error === undefined ? [] : (error instanceof Error ? error.message : String(error)).split("\n");
  say(call, `warning: ${reason === undefined ? text : `${text}: ${reason}`}`);
};
