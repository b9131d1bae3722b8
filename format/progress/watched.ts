import { readFileSync } from "node:fs";
import { isContinuousIntegration } from "../cache/cleaning/budget.ts";

/** Whether somebody looks at a terminal that can take a line back: not at the logs of a build. */
export const isWatched = (env: Readonly<Record<string, string | undefined>>, windows: boolean): boolean =>
  !isContinuousIntegration(env) && (windows || !["", "dumb"].includes(env["TERM"] ?? ""));

/**
 * Whether the terminal is ours to write to: a job in the background would write over what others show, and may even be
 * stopped for it. True without a controlling terminal, and where the system does not tell.
 */
export function isInForeground(): boolean {
  try {
    const stat = readFileSync("/proc/self/stat", "latin1");
    // Behind the name, which may have anything in it: state, parent, group, session, terminal, the group in its foreground.
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(foreground) <= 0 || foreground === group;
  } catch {
    return true;
  }
}
