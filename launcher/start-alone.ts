import { parse } from "node:path";
import type { Command } from "../format/command/command.ts";

/**
 * Starts a program that nobody is the parent of: this process becomes the application, which would find a child that it
 * never started. A shell between the two ends at once, so that the program belongs to the system. In a session of its own,
 * without terminal, streams and files of ours, in the root folder. Throws where there is no shell.
 */
export function startAlone({ program, args, env }: Command): void {
  const command = [program, ...args];
  const setting: Bun.SpawnOptions.OptionsObject<"ignore", "ignore", "ignore"> = {
    env,
    cwd: rootOf(program),
    stdio: ["ignore", "ignore", "ignore"],
    detached: true,
  };
  // On Windows nothing is handed down, and this process stays.
  if (process.platform === "win32") Bun.spawn(command, { ...setting, windowsHide: true }).unref();
  else Bun.spawnSync(["/bin/sh", "-c", '"$@" &', "sh", ...command], setting);
}

/** A folder that is never removed. */
const rootOf = (program: string): string => parse(program).root;
