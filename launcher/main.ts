import { basename } from "node:path";
import { exitCodeOf, renderError } from "../format/errors.ts";
import { bunCalled } from "./bun.ts";
import { hasInheritedFiles, noteInheritedFiles, ORDERED, readHanded } from "./caller.ts";
import { type LauncherOptions, readLauncherEnv } from "./env.ts";
import { become } from "./exec.ts";
import type { Invocation } from "./invocation.ts";
import { launch } from "./launch.ts";
import { writeOut } from "./write-out.ts";

if (Bun.isMainThread && hasInheritedFiles()) await noteInheritedFiles();
const handed = readHanded(process.argv.slice(2));

/** The only file of the launcher that knows it is a process. */
const call: Invocation = {
  executable: process.execPath,
  package: process.execPath,
  argv0: process.argv0,
  args: handed.args,
  env: handed.env ?? (await environmentOfBun()),
  cwd: () => process.cwd(),
  uid: process.getuid?.(),
  // This very program: it sees that it is not the first thread.
  startThread: () => new Worker(Bun.main),
  host: {
    os: process.platform === "win32" ? "windows" : process.platform,
    arch: process.arch === "x64" ? "amd64" : process.arch,
  },
};

if (!Bun.isMainThread) await (await import("../format/workenv/unpacking/unpack-worker.ts")).runUnpackWorker();
else
  try {
    const code = run();
    process.exit(typeof code === "number" ? code : await code);
  } catch (error) {
    writeOut(2, `${renderError(error, basename(call.argv0))}\n`);
    process.exit(exitCodeOf(error));
  }

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
