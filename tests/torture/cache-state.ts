import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Ran, type RunOptions, runPackage, startPackage } from "../support/launcher.ts";

/** A cache of its own for some runs, and ways to look at what they leave. */
export function cacheIn(folder: string) {
  const cache = join(folder, "cache");
  const options = (env: RunOptions["env"] = {}): RunOptions => ({
    home: folder,
    env: { FLAVOR_CACHE: cache, CI: "true", ...env },
  });
  return {
    cache,
    run: (path: string, args: readonly string[] = [], env?: RunOptions["env"]): Promise<Ran> =>
      runPackage(path, args, options(env)),
    start: (path: string, args: readonly string[] = [], env?: RunOptions["env"]) =>
      startPackage(path, args, options(env)),
    /** Removes every workenv that is not in use, in a process of its own. */
    clean: (env: RunOptions["env"] = {}): Promise<Ran> =>
      runPackage(process.execPath, [CLEANER, cache], options(env)),
    /** A cleaning as launchers start it: all but the last used one goes. */
    cleanItself: (path: string, env: RunOptions["env"] = {}): Promise<Ran> => {
      const order = JSON.stringify({ caches: [cache], maxAge: null, maxSize: 1 });
      return runPackage(path, ["clean-cache", order], options({ ...env, FLAVOR_LAUNCHER_CLI: "1" }));
    },
    startCleaner: (args: readonly string[], env: RunOptions["env"] = {}) =>
      startPackage(process.execPath, [CLEANER, cache, ...args], options(env)),
    state: () => stateOf(cache),
  };
}

const CLEANER = join(import.meta.dir, "cleaner.ts");

/** Every name in a cache that is neither a workenv, its bookkeeping nor a folder that always is there. */
function stateOf(cache: string) {
  const inStore = (folder: string) => namesIn(join(cache, ".store", "v1", folder));
  const names = namesIn(cache);
  return {
    workenvs: names.filter((name) => /^[0-9a-f]{16}$/.test(name)).length,
    others: names.filter((name) => !/^[0-9a-f]{16}$|^\.[0-9a-f]{16}\.pspf$|^\.store$/.test(name)),
    staging: inStore("staging"),
    trash: inStore("trash"),
    // The lock for cleaning by itself is one, and stays until the next such cleaning; an attempt at a lock that was
    // killed stays for a day.
    locks: inStore("locks").filter((name) => name !== "clean" && !/^fresh-[-0-9a-f]{36}$/.test(name)),
  };
}

const namesIn = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder).sort() : []);
