import { isAbsolute, join } from "node:path";
import type { Environment } from "../launchers/base.ts";

/** What stands in `FLAVOR_BUILD_CACHE` for no cache at all. */
const OFF = "off";

/**
 * The folder of the build cache: `$FLAVOR_BUILD_CACHE`, else the `flavor/build` folder of the user's cache. Undefined
 * where it is switched off, and where nothing says where such a folder could be.
 */
export function buildCacheDir(env: Environment): string | undefined {
  const own = env["FLAVOR_BUILD_CACHE"];
  if (own === OFF) return undefined;
  if (own) return own;
  const xdg = env["XDG_CACHE_HOME"];
  if (xdg && isAbsolute(xdg)) return join(xdg, "flavor", "build");
  const home = env["HOME"] || env["USERPROFILE"];
  return home && isAbsolute(home) ? join(home, ".cache", "flavor", "build") : undefined;
}
