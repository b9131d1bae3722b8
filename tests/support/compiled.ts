import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type EnsuredLauncher, ensureLauncher } from "../../builder/launchers/cache.ts";
import { hostTarget } from "../../builder/launchers/host.ts";
import { PspfError } from "../../format/errors.ts";
import type { Target } from "../../format/platform.ts";

/** Compiled launchers stay here between test runs: compiling one takes a second, checking one a tenth. */
const CACHE_DIR = join(import.meta.dir, "..", "..", "dist", "test-launchers");
const HOUR_MS = 60 * 60 * 1000;

const made = new Map<Target | "with fail points", Promise<EnsuredLauncher>>();
const TEST_LAUNCHER = join(import.meta.dir, "test-launcher", "main.ts");

/** Our launcher, compiled for a platform: once a process, and only when its sources have changed since the last run. */
export function compiledLauncher(target: Target = hostTarget()): Promise<EnsuredLauncher> {
  const launcher = made.get(target) ?? ensureLauncher(target, { cacheDir: CACHE_DIR }).then(forgetOlder);
  made.set(target, launcher);
  return launcher;
}

/** Our launcher for this machine with fail points: see tests/support/fail-points.ts. */
export function testLauncher(): Promise<EnsuredLauncher> {
  const options = { cacheDir: CACHE_DIR, entry: TEST_LAUNCHER };
  const launcher = made.get("with fail points") ?? ensureLauncher(hostTarget(), options).then(forgetOlder);
  made.set("with fail points", launcher);
  return launcher;
}

/** Launchers of former sources go; an hour is longer than any test run that may still use one. */
function forgetOlder(launcher: EnsuredLauncher): EnsuredLauncher {
  for (const name of launcher.built ? readdirSync(CACHE_DIR) : []) {
    const path = join(CACHE_DIR, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > HOUR_MS) rmSync(path, { recursive: true, force: true });
  }
  return launcher;
}

/** Why a launcher could not be made for want of a network, or undefined when that is not the reason. */
export const noNetwork = (error: unknown): string | undefined =>
  error instanceof PspfError
    ? error.problems.find((problem) => problem.startsWith("Failed to download"))
    : undefined;
