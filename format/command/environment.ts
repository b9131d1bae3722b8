import type { LaunchFacts, RuntimeEnv } from "../wire/metadata-types.ts";
import { namesMeant } from "./globs.ts";
import { fillTemplate, type Scope } from "./template.ts";

/** Names the workenv that a setup command or a shutdown program holds up: starts of that package wait for it. */
export const LOCKED = "FLAVOR_LOCKED";

export type Environment = Readonly<Record<string, string>>;

/** How a process that was forked finds the channel to its parent: the number of an open file, and a language. */
export const CHANNEL = ["NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE"] as const;

/**
 * The environment of a setup command or a shutdown program that holds up the workenv `id`. Without the channel: that is
 * the application's, they do not get the file, and some programs would not start.
 */
export function lockedEnvironment(env: Environment, id: string): Environment {
  const { NODE_CHANNEL_FD: _, NODE_CHANNEL_SERIALIZATION_MODE: __, ...rest } = env;
  return { ...rest, [LOCKED]: id };
}

/** What the launcher tells the application about itself. */
export interface Caller {
  /** argv[0] as it was typed. */
  readonly originalCommand: string;
  /** Its base name: the name of a link, when started by one. */
  readonly commandName: string;
  /** Absolute path of the package's file. */
  readonly package: string;
  /** The cache that holds the workenv. */
  readonly cache: string;
  readonly windows: boolean;
}

/**
 * The environment of the application, later steps win: the caller's; `runtime.env`; `workenv.env`; `execution.env`;
 * FLAVOR_*; `{workenv}/bin` in front of PATH. Placeholders are filled in in `workenv.env` and `execution.env`; what
 * `runtime.env.set` gives stays as it is, as in every other launcher.
 */
export function childEnvironment(
  parent: Environment,
  metadata: Pick<LaunchFacts, "runtimeEnv" | "workenv" | "execution">,
  scope: Scope,
  caller: Caller,
): Environment {
  const inherited = parent["FLAVOR_CACHE"] === undefined ? { ...parent, FLAVOR_CACHE: caller.cache } : parent;
  const env = applyRuntimeEnv(inherited, metadata.runtimeEnv, caller);
  // With "0" or nothing in it the launcher is one; it is not the application's in any case.
  if (parent["BUN_BE_BUN"] !== undefined && env["BUN_BE_BUN"] === parent["BUN_BE_BUN"])
    delete env["BUN_BE_BUN"];
  for (const table of [metadata.workenv.env, metadata.execution.env])
    for (const [name, value] of Object.entries(table)) env[name] = fillTemplate(value, scope);
  env["FLAVOR_WORKENV"] = scope.workenv;
  env["FLAVOR_PACKAGE"] = caller.package;
  env["FLAVOR_COMMAND_NAME"] = caller.commandName;
  env["FLAVOR_ORIGINAL_COMMAND"] = caller.originalCommand;
  const path = caller.windows ? windowsPathName(env) : "PATH";
  env[path] = prependPath(env[path], scope.workenv, caller);
  return env;
}

/** Windows needs these to start anything. */
const WINDOWS_PASS = ["SYSTEMROOT", "WINDIR", "TEMP", "TMP", "PATHEXT", "COMSPEC"];

/** unset (never what pass protects), then map (the same), then set. */
export function applyRuntimeEnv(
  parent: Environment,
  rules: RuntimeEnv,
  { windows }: Pick<Caller, "windows">,
): Record<string, string> {
  // Without a prototype, where every name is one like any other.
  const env: Record<string, string> = Object.create(null);
  if (isEmpty(rules)) return Object.assign(env, parent, rules.set);
  Object.assign(env, parent);
  const names = [...Object.keys(parent), ...Object.keys(rules.map)];
  const kept = namesMeant([...rules.pass, ...(windows ? WINDOWS_PASS : [])], names, windows);
  for (const name of namesMeant(rules.unset, names, windows)) if (!kept.has(name)) delete env[name];
  for (const [from, to] of Object.entries(rules.map)) {
    const value = Object.hasOwn(env, from) ? env[from] : undefined;
    if (value === undefined || kept.has(from)) continue;
    delete env[from];
    env[to] = value;
  }
  return Object.assign(env, rules.set);
}

/** Whether there are only names to be set, as in nearly all packages: the rest is not even begun then. */
function isEmpty({ unset, map }: RuntimeEnv): boolean {
  for (const _ in map) return false;
  return unset.length === 0;
}

/** Windows spells it "Path" and does not care. */
const windowsPathName = (env: Environment): string =>
  Object.keys(env).find((name) => name.toUpperCase() === "PATH") ?? "PATH";

function prependPath(path: string | undefined, workenv: string, { windows }: Caller): string {
  const own = windows ? [`${workenv}\\bin`, `${workenv}\\Scripts`] : [`${workenv}/bin`];
  const separator = windows ? ";" : ":";
  return [...own, ...(path === undefined || path === "" ? [] : [path])].join(separator);
}
