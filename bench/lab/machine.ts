import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";
import type { Machine, Results } from "../results/results.ts";
import { said } from "./process.ts";

const ROOT = join(import.meta.dir, "..", "..");

/** What can be said of the machine before the run; `load` at the end is the same until `loadNow` replaces it. */
export const machineWith = (work: string, disk: string): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? "unknown processor",
  cores: availableParallelism(),
  memory: totalmem(),
  system: `${type()} ${release()}`,
  fileSystems: { work: fileSystemOf(work), disk: fileSystemOf(disk) },
  load: [loadNow(), loadNow()],
});

export const loadNow = (): number => loadavg()[0] ?? 0;

/** "tmpfs", "ext4"; "unknown" where the system does not list its mounts. */
export function fileSystemOf(path: string, mounts = mountsOfSystem()): string {
  const found = mounts
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, at = ""]) => at === "/" || path === at || path.startsWith(`${at}/`))
    .toSorted(([, a = ""], [, b = ""]) => a.length - b.length)
    .at(-1);
  return found?.[2] ?? "unknown";
}

function mountsOfSystem(): string {
  try {
    return readFileSync("/proc/self/mounts", "utf8");
  } catch {
    return "";
  }
}

/** "1a2b3c4d5e6f", with "+" when files of the checkout differ from it; "unknown" outside a checkout. */
export function commitOf(env: NodeJS.ProcessEnv): string {
  try {
    const git = (...args: string[]) => said({ command: ["git", "-C", ROOT, ...args], env }).out.trim();
    return `${git("rev-parse", "--short=12", "HEAD")}${git("status", "--porcelain", "-uno") === "" ? "" : "+"}`;
  } catch {
    return "unknown";
  }
}

/** The baselines' versions, from the first line that they say about themselves; those that are not here are left out. */
export function versionsOf(env: NodeJS.ProcessEnv): Results["versions"] {
  const versions: Record<string, string> = { Bun: Bun.version };
  for (const program of ["tar", "zstd", "cp", "sha256sum"])
    try {
      const version = /\d+\.\d+(?:\.\d+)*/.exec(said({ command: [program, "--version"], env }).out)?.[0];
      if (version !== undefined) versions[program] = version;
    } catch {}
  return versions;
}
