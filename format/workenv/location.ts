import { isAbsolute, join, resolve } from "node:path";
import { PspfError } from "../errors.ts";

export interface LocationFacts {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: () => string;
  readonly windows: boolean;
}

/**
 * The directory that holds the workenvs: `FLAVOR_CACHE`, else `$XDG_CACHE_HOME/flavor/workenv`, else
 * `~/.cache/flavor/workenv`. A relative `XDG_CACHE_HOME` is ignored, as its specification asks.
 */
export function cacheDirectory({ env, cwd, windows }: LocationFacts): string {
  const own = env["FLAVOR_CACHE"];
  if (own !== undefined && own !== "") return isAbsolute(own) ? own : resolve(cwd(), own);
  const xdg = env["XDG_CACHE_HOME"];
  if (!windows && xdg !== undefined && isAbsolute(xdg)) return join(xdg, "flavor", "workenv");
  const home = windows ? (env["USERPROFILE"] ?? env["HOME"]) : env["HOME"];
  if (home !== undefined && isAbsolute(home)) return join(home, ".cache", "flavor", "workenv");
  throw new PspfError("no-workenv-location", "Cannot find a place to unpack to: there is no home directory", {
    hint: "set FLAVOR_CACHE to a folder of yours",
  });
}
