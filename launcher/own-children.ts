import { loadLinuxLibc } from "../format/io/libc-linux.ts";
import { loadLibc } from "../format/io/libc.ts";
import { atBecoming } from "./caller.ts";
import { ignoredSignals } from "../format/io/ignored-signals.ts";

const SIGCHLD = 17;

/**
 * To be called before a program is started whose end is waited for: where the caller ignores SIGCHLD, the system tells
 * nobody how children end, and Bun fails. The program that this process becomes has it ignored again.
 */
export function waitForChildren(): void {
  if (!ignoredSignals().includes(SIGCHLD)) return;
  loadLibc()?.resetSignal(SIGCHLD);
  atBecoming(() => loadLinuxLibc()?.ignoreSignal(SIGCHLD));
}
