import {
  type Budget,
  budgetOf,
  isContinuousIntegration,
  STRATEGIES,
} from "../format/cache/cleaning/budget.ts";
import type { WorkenvLayout } from "../format/cache/layout.ts";
import { cachePlaces } from "../format/cache/places.ts";
import { takeTurn } from "../format/cache/cleaning/turn.ts";
import { CLEAN_COMMAND, type CleanOrder } from "./clean-order.ts";
import type { LauncherOptions } from "./env.ts";
import type { Invocation } from "./invocation.ts";
import { logOf } from "./log.ts";
import { startAlone } from "./start-alone.ts";

/**
 * Cleans the cache beside the application, once a day at most: after a start that was a slow one anyway. The application
 * waits for nothing but the start of another process, and no failure reaches it.
 */
export async function maybeClean(
  call: Invocation,
  options: LauncherOptions,
  { cache }: WorkenvLayout,
): Promise<void> {
  const log = logOf(call, options);
  try {
    const budget = budgetFor(call, options);
    if (budget === undefined || !(await takeTurn(cache))) return;
    const others = placesOf(call).filter((place) => place !== cache);
    const order: CleanOrder = { caches: [cache, ...others], ...budget };
    log("debug", () => `cleaning ${order.caches.join(", ")}`);
    startAlone({
      program: call.executable,
      args: [CLEAN_COMMAND, JSON.stringify(order)],
      env: { FLAVOR_LAUNCHER_CLI: "1", ...neededBySystem(call) },
    });
  } catch (error) {
    log("debug", () => `cannot clean the cache: ${String(error)}`);
  }
}

/** What may stay, or undefined where nothing is cleaned. */
function budgetFor({ env }: Invocation, { strategy }: LauncherOptions): Budget | undefined {
  // To the first process of a container belongs everything that has lost its parent.
  if (isContinuousIntegration(env) || process.pid === 1) return undefined;
  if (STRATEGIES[strategy].stay === "outside the cache") return undefined;
  const budget = budgetOf(strategy, env);
  return Number.isFinite(budget.maxAge) || Number.isFinite(budget.maxSize) ? budget : undefined;
}

const placesOf = ({ env, cwd, host, uid }: Invocation): readonly string[] =>
  cachePlaces({ env, cwd, windows: host.os === "windows", uid }).map(({ path }) => path);

/** Without these Windows starts no program. */
const neededBySystem = ({ env }: Invocation): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(env).filter(([name]) => /^(SystemRoot|TEMP|TMP)$/i.test(name)));
