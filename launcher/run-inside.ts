import { closeSync, realpathSync } from "node:fs";
import { extname, sep } from "node:path";
import { buildCommand } from "../format/command/command.ts";
import { type Libc, loadLibc } from "../format/io/libc.ts";
import { bunOptions, bunRuntimeOf, pointBunTo } from "../format/workenv/bun-link.ts";
import { tsconfigFor } from "./bun.ts";
import { inheritedFiles, putBack } from "./caller.ts";
import type { Invocation } from "./invocation.ts";
import type { Log } from "./log.ts";
import type { Workenv } from "./workenv.ts";

/**
 * Has this process go on as the script that the package's command names, instead of starting Bun once more: this is Bun
 * already. Only where the script cannot tell; otherwise says why not, and nothing has changed.
 */
export function runInside({ launch, layout, scope, env, lease }: Workenv, call: Invocation, log: Log): string | undefined {
  const { program, args } = buildCommand(launch.execution.command, call.args, scope, env);
  const [script = "", ...rest] = args;
  const libc = loadLibc();
  const reason =
    (call.goOnAs === undefined || call.package !== call.executable ? "another package" : undefined) ??
    (libc === undefined || process.platform !== "linux" ? "no C library" : undefined) ??
    (program !== scope.bun ? "another program" : undefined) ??
    whyNoScript(script, args, layout.content) ??
    whyOtherEnvironment(env);
  log("debug", () => reason === undefined ? `going on as ${args.join(" ")}` : `Bun starts once more: ${reason}`);
  if (reason !== undefined) return reason;
  pointBunTo(layout.bun, call.executable);
  if (lease !== undefined) {
    libc?.keepOpen(lease.fd, inheritedFiles);
    closeSync(lease.fd);
  }
  putBack();
  libc?.openManyFiles();
  takeOver(env, libc as Libc);
  const files = bunRuntimeOf(layout.bun);
  process.argv = [files.program, script, ...rest];
  process.argv0 = call.executable;
  process.execArgv = [...bunOptions(layout.bun)];
  (Bun as { main: string }).main = script;
  require(files.preload);
  for (const name in require.cache) if (name.startsWith(OURS)) delete require.cache[name];
  call.goOnAs?.(script);
  return undefined;
}

/** Where the modules of a compiled program are. */
const OURS = "/$bunfs/";

/** Bun does something else with a folder, a page or a script of a shell, and finds what a link leads to. */
function whyNoScript(script: string, args: readonly string[], workenv: string): string | undefined {
  if (!script.startsWith(workenv + sep)) return "options of Bun";
  if (!KINDS.includes(extname(script))) return "another kind of file";
  if (!args.every((arg) => arg.isWellFormed())) return "bytes that are no text";
  if (tsconfigFor(args, workenv) !== undefined) return "tsconfig.json";
  try {
    return realpathSync.native(script) === script ? undefined : "a link";
  } catch {
    return "no such file";
  }
}

const KINDS: readonly string[] = [".ts", ".js", ".mts", ".mjs", ".cts", ".cjs", ".tsx", ".jsx"];

/**
 * Bun has read variables before the launcher's first line, and keeps what it has read: no other values may be the
 * script's, but of those that Bun does not read or that the preload sees to, and none that Bun keeps from launchers.
 */
function whyOtherEnvironment(env: Workenv["env"]): string | undefined {
  for (const name in env) {
    if (STEERS.test(name) && !HARMLESS.includes(name)) return name;
    if (env[name] !== process.env[name] && name !== "PATH" && !name.startsWith("FLAVOR_")) return name;
  }
  for (const name in process.env) if (env[name] === undefined) return name;
  return undefined;
}

const STEERS = /^(BUN|NODE)_/;
const HARMLESS: readonly string[] = ["BUN_INSTALL", "NODE_ENV", "NODE_OPTIONS", "NODE_EXTRA_CA_CERTS"];

function takeOver(env: Workenv["env"], libc: Libc): void {
  const changed: Record<string, string> = {};
  for (const name in env)
    if (env[name] !== process.env[name]) process.env[name] = changed[name] = env[name] as string;
  libc.setVariables(changed);
}
