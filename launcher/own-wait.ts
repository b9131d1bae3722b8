import { LOCKED } from "../format/command/environment.ts";
import { PspfError } from "../format/errors.ts";
import type { Invocation } from "./invocation.ts";

/**
 * Throws `start-failed` when a start has to wait for a setup command or a shutdown program of the same package, and it
 * was that program that started it: it would wait for itself.
 */
export function refuseOwnWait(id: string, { env }: Pick<Invocation, "env">): void {
  if (env[LOCKED] !== id) return;
  const state = "its setup or shutdown waits for the program that asked for it";
  throw new PspfError("start-failed", `Cannot start the package now: ${state}`, {
    hint: "a setup command or shutdown program can only use what is there already",
  });
}
