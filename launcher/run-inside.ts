import { extname, sep } from "node:path";
import { buildCommand, type Command } from "../format/command/command.ts";
import { type Libc, loadLibc } from "../format/io/libc.ts";
import { close, exists } from "../format/io/quick-files.ts";
import { realPath } from "../format/io/quick-links.ts";
import { bunOptions, bunRuntimeOf, canPointBunTo, SCRIPTS } from "../format/workenv/bun-link.ts";
import { tsconfigFor } from "./bun.ts";
import { inheritedFiles, putBack } from "./caller.ts";
import type { Invocation } from "./invocation.ts";
import type { Log } from "./log.ts";
import type { Workenv } from "./workenv.ts";

/**
 * Has this process go on as the script that the package's command names, instead of starting Bun once more: this is Bun
 * already. Whether it does; only where the script cannot tell.
 */
export async function runInside(workenv: Workenv, call: Invocation, log: Log): Promise<boolean> {
  const { launch, layout, scope, env, lease } = workenv;
  if (!canPointBunTo(layout.bun, call.executable)) return false;
  const command = buildCommand(launch.execution.command, call.args, scope, env);
  const libc = loadLibc();
  const obstacle = whyNot(command, workenv, call, libc);
  log("debug", () =>
    obstacle === undefined
      ? `going on as ${command.args.join(" ")}`
      : `Bun is started once more, because of ${obstacle}`,
  );
  if (obstacle !== undefined || libc === undefined) return false;
  if (lease !== undefined) {
    libc.keepOpen(lease.fd, inheritedFiles);
    close(lease.fd);
  }
  putBack();
  libc.openManyFiles();
  giveVariables(env, libc);
  const files = bunRuntimeOf(layout.bun);
  const [script = ""] = command.args;
  process.argv = [files.program, ...command.args];
  process.argv0 = call.executable;
  process.execArgv = [...bunOptions(layout.bun)];
  (Bun as { main: string }).main = script;
  // Not by `require`: its first module is the main one to Bun.
  await import(files.preload);
  for (const name in require.cache) if (name.startsWith(OURS)) delete require.cache[name];
  call.goOnAs?.(script);
  return true;
}

/** Where the modules of a compiled program are. */
const OURS = "/$bunfs/";

/** What keeps a script from running in this process; undefined when nothing does. */
function whyNot(command: Command, { layout, scope }: Workenv, call: Invocation, libc: Libc | undefined) {
  if (process.platform !== "linux") return "the system";
  if (libc === undefined) return "no C library";
  // Who runs another package has something to say when that has ended.
  if (call.goOnAs === undefined || call.package !== call.executable) return "another package";
  if (command.program !== scope.bun) return "another program";
  if (!exists(bunRuntimeOf(layout.bun).unasked)) return "Bun.isStandaloneExecutable";
  return whyNotScript(command.args, layout.content) ?? whyNotVariables(command.env);
}

/** Bun does something else with options, folders, pages and scripts of a shell, and finds what a link leads to. */
function whyNotScript(args: readonly string[], workenv: string): string | undefined {
  const [script = ""] = args;
  if (!script.startsWith(workenv + sep)) return "its options";
  if (!SCRIPTS.includes(extname(script))) return "the kind of the file";
  // Bun has no words for them.
  for (const arg of args) if (!arg.isWellFormed()) return "bytes that are no text";
  if (tsconfigFor(args, workenv) !== undefined) return "tsconfig.json";
  try {
    return realPath(script) === script ? undefined : "a link";
  } catch {
    return "a missing file";
  }
}

/**
 * Bun has read variables before the launcher's first line. So a script may have no others: but for those that Bun does not
 * read, and PATH, which the preload sees to. And none by which Bun is steered and launchers are not.
 */
function whyNotVariables(env: Workenv["env"]): string | undefined {
  for (const name in env) {
    if ((name.startsWith("BUN_") || name.startsWith("NODE_")) && !HARMLESS.includes(name)) return name;
    if (env[name] !== process.env[name] && name !== "PATH" && !name.startsWith("FLAVOR_")) return name;
  }
  for (const name in process.env) if (env[name] === undefined) return name;
  return undefined;
}

const HARMLESS: readonly string[] = ["BUN_INSTALL", "NODE_ENV", "NODE_OPTIONS", "NODE_EXTRA_CA_CERTS"];

/** Gives this process the variables of a script, also for what is not JavaScript. */
function giveVariables(env: Workenv["env"], libc: Libc): void {
  const changed: Record<string, string> = {};
  for (const name in env)
    if (env[name] !== process.env[name]) process.env[name] = changed[name] = env[name] as string;
  libc.setVariables(changed);
}
