import { STRATEGIES } from "../format/cache/cleaning/budget.ts";
import { lastUsedOf } from "../format/cache/entries.ts";
import { evict } from "../format/cache/cleaning/evict.ts";
import { guardOf } from "../format/cache/cleaning/guard.ts";
import type { WorkenvLayout } from "../format/cache/layout.ts";
import { acquireSoon } from "../format/cache/locks/lock.ts";
import { PspfError } from "../format/errors.ts";
import type { LauncherOptions } from "./env.ts";
import type { Invocation } from "./invocation.ts";
import { openPrivateCache } from "./private-cache.ts";
import { warn } from "./say.ts";

/** What becomes of a workenv when the application has ended, and its lease was given back. */
export type Leave = (layout: WorkenvLayout) => Promise<void>;

/** Starts a package and stays as its parent, leaves the workenv so, and returns the exit code. */
export type LaunchIn = (call: Invocation, options: LauncherOptions, leave: Leave) => number | Promise<number>;

/**
 * Runs a package whose workenv goes when its application ends, for which the launcher stays as parent. Whatever fails at
 * the end is one line of warning: the application has ended as it has.
 */
export async function runPassing(
  call: Invocation,
  options: LauncherOptions,
  launchIn: LaunchIn,
): Promise<number> {
  const leaving =
    (leave: Leave): Leave =>
    async (layout) => {
      try {
        await leave(layout);
      } catch (error) {
        warn(call, "cannot clean up", error);
      }
    };
  if (STRATEGIES[options.strategy].stay !== "outside the cache")
    return launchIn(call, options, leaving(evictAtEnd));
  using cache = await openPrivateCache(call);
  const env = { ...call.env, FLAVOR_CACHE: cache.path };
  try {
    return await launchIn(
      { ...call, env },
      options,
      leaving(async () => cache[Symbol.dispose]()),
    );
  } catch (error) {
    throw withPlace(error);
  }
}

/** Unless somebody else runs from it, or cleaning would leave it alone. */
const evictAtEnd: Leave = async (layout) => {
  (await acquireSoon(layout.lock))?.[Symbol.dispose]();
  await evict(layout, () => guardOf(layout, lastUsedOf(layout)) === undefined);
};

/** Who has no cache did not name its folder. */
function withPlace(error: unknown): unknown {
  if (!(error instanceof PspfError) || error.code !== "no-workenv-location") return error;
  return new PspfError(error.code, error.message, {
    problems: error.problems.map((line) =>
      line.replace("(from FLAVOR_CACHE)", "(from FLAVOR_CACHE_STRATEGY)"),
    ),
    hint: "another FLAVOR_CACHE_STRATEGY than minimal uses the cache; TMPDIR names the temporary folder",
  });
}
