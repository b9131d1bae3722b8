import { basename } from "node:path";
import { exitCodeOf, renderError } from "../format/errors.ts";
import { currentFolder } from "../format/io/fs.ts";
import { bunCalled } from "./bun.ts";
import { hasInheritedFiles, noteInheritedFiles, ORDERED, readHanded } from "./caller.ts";
import { type LauncherOptions, readLauncherEnv } from "./env.ts";
import { become } from "./exec.ts";
import type { Invocation } from "./invocation.ts";
import { launch } from "./launch.ts";
import { writeOut } from "./write-out.ts";

if (Bun.isMainThread && hasInheritedFiles()) await noteInheritedFiles();
const handed = readHanded(process.argv.slice(2));

/** The program that this process goes on as when the launcher's work is done, where it does not become another one. */
let script: string | undefined;

/** The only file of the launcher that knows it is a process. */
const call: Invocation = {
  executable: process.execPath,
  package: process.execPath,
  argv0: process.argv0,
  args: handed.args,
  env: handed.env ?? (await environmentOfBun()),
  cwd: currentFolder,
  uid: process.getuid?.(),
  // This very program: it sees that it is not the first thread.
  startThread: () => new Worker(Bun.main),
  goOnAs: (path) => {
    script = path;
  },
  host: {
    os: process.platform === "win32" ? "windows" : process.platform,
    arch: process.arch === "x64" ? "amd64" : process.arch,
  },
};

if (!Bun.isMainThread) await (await import("../format/workenv/unpacking/unpack-worker.ts")).runUnpackWorker();
else
  try {
    const code = run();
    const ended = typeof code === "number" ? code : await code;
    if (script === undefined) process.exit(ended);
  } catch (error) {
    writeOut(2, `${renderError(error, basename(call.argv0))}\n`);
    process.exit(exitCodeOf(error));
  }

// Nothing of ours may catch what the program throws. Bun serves what the first module of a process exports by default,
// if it can, and takes this file for that.
export default script === undefined ? undefined : (await import(script)).default;

async function environmentOfBun(): Promise<Invocation["env"]> {
  const env = process.env as Record<string, string>;
  return process.send === undefined ? env : (await import("./channel.ts")).withChannel(env);
}

function run(): number | Promise<number> {
  if (call.argv0.startsWith(ORDERED))
    return import("./order.ts").then(({ followOrder }) => followOrder(call.argv0));
  const asBun = bunCalled(call);
  if (asBun !== undefined) return become(asBun, "exec");
  const options = readLauncherEnv(call.env);
  // A limit that is none is said at every start, and not a day later by the one that would clean.
  if (hasLimits(call.env))
    return import("../format/cache/cleaning/budget.ts").then(({ budgetOf }) => {
      budgetOf(options.strategy, call.env);
      return follow(options);
    });
  return follow(options);
}

function follow(options: LauncherOptions): number | Promise<number> {
  if (!options.ownCommands) return launch(call, options);
  return import("./own-commands.ts").then(({ runOwnCommand }) => runOwnCommand(call, options));
}

function hasLimits(env: Invocation["env"]): boolean {
  return env["FLAVOR_CACHE_MAX_AGE"] !== undefined || env["FLAVOR_CACHE_MAX_SIZE"] !== undefined;
}
