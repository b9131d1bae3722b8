import type { CacheStrategy } from "../format/cache/cleaning/budget.ts";
import { PspfError } from "../format/errors.ts";
import { VALIDATION_LEVELS, type ValidationLevel } from "../format/trust/levels.ts";

export const LOG_LEVELS = ["silent", "error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const STRATEGIES = [
  "aggressive",
  "balanced",
  "conservative",
  "minimal",
] as const satisfies readonly CacheStrategy[];

/** What the caller's environment asks of the launcher. Read once; below this nothing looks at FLAVOR_*. */
export interface LauncherOptions {
  readonly validation: ValidationLevel;
  /** Whether the caller asked for that level; otherwise the machine's owner may have another default. */
  readonly isLevelAsked: boolean;
  /** What FLAVOR_TRUSTED_KEYS lists; undefined when it is not set. */
  readonly trustedKeys: string | undefined;
  readonly logLevel: LogLevel;
  /** Keep what an extraction that failed has left. */
  readonly keepTemp: boolean;
  /** Bring a new workenv onto the disk before it counts. */
  readonly durable: boolean;
  /** How long workenvs stay. */
  readonly strategy: CacheStrategy;
  /** "exec" replaces this process by the application; "spawn" stays as its parent. */
  readonly execMode: "exec" | "spawn";
  /** The launcher's own commands instead of the application. */
  readonly ownCommands: boolean;
  /** Slots for development are wanted, too. */
  readonly dev: boolean;
  /** Indices of slots that must be there besides those that always are: what an own command asks for. */
  readonly demanded: readonly number[];
}

export type CallerEnv = Readonly<Record<string, string | undefined>>;

export function readLauncherEnv(env: CallerEnv): LauncherOptions {
  return {
    validation: oneOf(env, "FLAVOR_VALIDATION", VALIDATION_LEVELS, "standard"),
    isLevelAsked: isSet(env["FLAVOR_VALIDATION"]),
    trustedKeys: isSet(env["FLAVOR_TRUSTED_KEYS"]) ? env["FLAVOR_TRUSTED_KEYS"] : undefined,
    logLevel: oneOf(env, "FLAVOR_LOG_LEVEL", LOG_LEVELS, "silent"),
    keepTemp: isOn(env["FLAVOR_KEEP_TEMP"]),
    durable: !isOff(env["FLAVOR_DURABLE"]),
    strategy: oneOf(env, "FLAVOR_CACHE_STRATEGY", STRATEGIES, "balanced", "strategy"),
    execMode: oneOf(env, "FLAVOR_EXEC_MODE", ["exec", "spawn"], "exec", "mode"),
    ownCommands: isOn(env["FLAVOR_LAUNCHER_CLI"]),
    dev: isOn(env["FLAVOR_DEV"]),
    demanded: [],
  };
}

function oneOf<T extends string>(
  env: CallerEnv,
  name: string,
  allowed: readonly T[],
  otherwise: T,
  what = "level",
): T {
  const value = env[name];
  if (value === undefined || value === "") return otherwise;
  const found = allowed.find((level) => level === value.toLowerCase());
  if (found !== undefined) return found;
  throw new PspfError("bad-arguments", `Cannot use ${name}=${JSON.stringify(value)}: it is not a ${what}`, {
    hint: `use one of: ${allowed.join(", ")}`,
  });
}

const isSet = (value: string | undefined): value is string => value !== undefined && value !== "";

const isOff = (value: string | undefined): boolean =>
  value !== undefined && ["0", "f", "false", "off", "no"].includes(value.toLowerCase());

const isOn = (value: string | undefined): boolean =>
  value !== undefined && ["1", "t", "true", "on", "yes"].includes(value.toLowerCase());
