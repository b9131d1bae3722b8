import { isAbsolute, join, resolve } from "node:path";
import { PspfError } from "../errors.ts";

export interface LocationFacts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: () => string;
  readonly windows: boolean;
  /** The user's number; without one there is no folder of theirs in the temporary one. Undefined on Windows. */
  readonly uid?: number | undefined;
}

/** A folder that may hold the workenvs, and what named it. */
export interface Rung {
  readonly path: string;
  readonly why: "FLAVOR_CACHE" | "XDG_CACHE_HOME" | "home" | "temp";
}

/**
 * The folders that may hold the workenvs, the best first: `FLAVOR_CACHE` alone when it is set, else
 * `$XDG_CACHE_HOME/flavor/workenv`, `~/.cache/flavor/workenv` and `$TMPDIR/flavor-{uid}/workenv`. A relative
 * `XDG_CACHE_HOME` is ignored, as its specification asks.
 */
export function cacheCandidates({ env, cwd, windows, uid }: LocationFacts): readonly Rung[] {
  const own = env["FLAVOR_CACHE"];
  if (own !== undefined && own !== "")
    return [{ path: isAbsolute(own) ? own : resolve(cwd(), own), why: "FLAVOR_CACHE" }];
  const rungs: Rung[] = [];
  const xdg = env["XDG_CACHE_HOME"];
  if (!windows && xdg !== undefined && isAbsolute(xdg))
    rungs.push({ path: join(xdg, "flavor", "workenv"), why: "XDG_CACHE_HOME" });
  const home = windows ? (env["USERPROFILE"] ?? env["HOME"]) : env["HOME"];
  if (home !== undefined && isAbsolute(home))
    rungs.push({ path: join(home, ".cache", "flavor", "workenv"), why: "home" });
  const temp = temporaryFolder(env, windows);
  if (uid !== undefined && temp !== undefined)
    rungs.push({ path: join(temp, `flavor-${uid}`, "workenv"), why: "temp" });
  else if (windows && temp !== undefined) rungs.push({ path: join(temp, "flavor", "workenv"), why: "temp" });
  return rungs;
}

/** The folder for what may vanish at any time; undefined where nothing names one. */
export function temporaryFolder(env: LocationFacts["env"], windows: boolean): string | undefined {
  const named = windows ? (env["TEMP"] ?? env["TMP"]) : env["TMPDIR"];
  if (named !== undefined && isAbsolute(named)) return named;
  return windows ? undefined : "/tmp";
}

/** The folder where workenvs are looked for first, and made unless that is impossible there. */
export function cacheDirectory(facts: LocationFacts): string {
  const [first] = cacheCandidates(facts);
  if (first !== undefined) return first.path;
  throw new PspfError("no-workenv-location", "Cannot find a place to unpack to: there is no home directory", {
    hint: "set FLAVOR_CACHE to a folder of yours",
  });
}
