import { withoutSecrets } from "../signing/secrets.ts";
import type { Environment } from "./base.ts";

/** A download of 40 MB on a slow line fits; a dead line does not hold anybody for ever. */
const TIMEOUT_MS = 10 * 60 * 1000;

export interface BunRun {
  readonly cwd: string;
  readonly env: Environment;
  readonly aborted: AbortSignal;
}

/** How a run of Bun ended: undefined when all is well, else the state and the last lines that it said. */
export type BunFailure = { readonly state: string; readonly said: readonly string[] } | undefined;

/**
 * Runs our own executable as Bun. A child rather than a call: its talk stays out of our streams, its folder decides
 * about the names in a bundle, and it can be stopped.
 */
export async function runBun(args: readonly string[], { cwd, env, aborted }: BunRun): Promise<BunFailure> {
  const child = Bun.spawn([process.execPath, ...args], {
    cwd,
    env: bunEnvironment(env),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    signal: aborted,
    killSignal: "SIGKILL",
    timeout: TIMEOUT_MS,
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code === 0) return undefined;
  const said = Bun.stripANSI(`${out}\n${err}`)
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const state = child.signalCode === null ? `Bun ended with ${code}` : `Bun was ended by ${child.signalCode}`;
  return { state, said: said.slice(-3) };
}

/** The given environment for a child that acts as Bun, without our secrets and options for other programs. */
export function bunEnvironment(env: Environment): Record<string, string> {
  const given = Object.entries(withoutSecrets(env)).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  );
  const { BUN_OPTIONS: _, ...rest } = Object.fromEntries(given);
  return { ...rest, BUN_BE_BUN: "1" };
}
