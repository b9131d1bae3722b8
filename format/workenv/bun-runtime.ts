import { usesBun } from "../command/template.ts";
import { libraryNames } from "../io/libc.ts";
import { replaceFile } from "../io/replacement.ts";
import type { Metadata } from "../wire/metadata-types.ts";
import { bunRuntimeOf, pointBunTo } from "./bun-link.ts";

/**
 * Runs in the application's process before the application. The launcher turned this process into Bun with an
 * environment variable; here it disappears, and the process's names for its executable become the link, so that a
 * child started through it is Bun as well. What Bun 1.4.5 makes of this, each held by a test:
 * - Bun.spawn takes its default environment from before our change;
 * - both kinds of workers start from the environment before our change and without preloads;
 * - the C library keeps the variable, so that native code would see it and hand it on: there it is removed as well, and
 *   wiped out of what the system shows of the process.
 */
const PRELOAD = `
const program = __PROGRAM__;
delete process.env.BUN_BE_BUN;
if (Bun.isMainThread) forget("BUN_BE_BUN");
process.execPath = process.argv[0] = Bun.argv[0] = program;
for (const name of ["spawn", "spawnSync"]) {
  const spawn = Bun[name];
  Bun[name] = (first, second) => {
    const options = Array.isArray(first) ? { ...second, cmd: first } : { ...first };
    options.env ??= process.env;
    return spawn(options);
  };
}
const withPreload = (Base) =>
  class Worker extends Base {
    constructor(script, options) {
      super(script, { ...options, preload: [import.meta.path, ...[options?.preload ?? []].flat()] });
    }
  };
globalThis.Worker = withPreload(globalThis.Worker);
const threads = require("node:worker_threads");
threads.Worker = withPreload(threads.Worker);
function forget(name) {
  for (const library of __LIBRARIES__)
    try {
      const { dlopen, toArrayBuffer } = require("bun:ffi");
      const { symbols } = dlopen(library, {
        getenv: { args: ["buffer"], returns: "ptr" },
        unsetenv: { args: ["buffer"], returns: "i32" },
      });
      const key = new TextEncoder().encode(name + "\\0");
      const value = symbols.getenv(key);
      symbols.unsetenv(key);
      if (value) new Uint8Array(toArrayBuffer(value - key.length, 0, key.length + 1)).fill(0);
      return;
    } catch {}
}
`;

/**
 * Keeps Bun from what it made of larger scripts at an earlier start and has put into a folder of the user, from where it
 * would run it.
 */
export const UNCACHED = { BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" } as const;

/** Whether any command of a package starts Bun. */
export const needsBun = ({ execution, setupCommands }: Metadata): boolean =>
  usesBun(execution.command) || setupCommands.some((setup) => "command" in setup && usesBun(setup.command));

/** What the files beside the link hold, by their paths. */
export function bunFilesOf(directory: string): Readonly<Record<string, string>> {
  const { program, preload, bunfig, tsconfig } = bunRuntimeOf(directory);
  return {
    [preload]: PRELOAD.trimStart()
      .replace("__PROGRAM__", () => JSON.stringify(program))
      .replace("__LIBRARIES__", () => JSON.stringify(process.platform === "win32" ? [] : libraryNames())),
    [bunfig]: "",
    [tsconfig]: "{}\n",
  };
}

/** Writes the files and points the link to the launcher. */
export function writeBunRuntime(directory: string, launcher: string): void {
  for (const [path, text] of Object.entries(bunFilesOf(directory))) replaceFile(path, text);
  pointBunTo(directory, launcher);
}
