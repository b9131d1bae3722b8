import { usesBun } from "../command/template.ts";
import { libraryNames } from "../io/libc.ts";
import { replaceFile } from "../io/replacement.ts";
import type { Metadata } from "../wire/metadata-types.ts";
import { bunOptions, bunRuntimeOf, pointBunTo } from "./bun-link.ts";

/**
 * Runs in the application's process before the application: in one that the launcher turned into Bun with an environment
 * variable, which disappears here, or in the launcher's own (`launcher/run-inside.ts`). The process's names for its
 * executable become the link, so that a child started through it is Bun as well. What Bun 1.4.5 makes of this, each held
 * by a test:
 * - Bun.spawn, Bun.which and web workers take variables from before our change;
 * - both kinds of workers start without preloads, and from the options of the launcher;
 * - node:worker_threads takes 3 ms to load, so it is changed only when somebody loads it. No class of ours can take the
 *   place of its own then; but it hands its options to Bun, which looks for `preload` in them, and so on their prototype:
 *   there it is while a worker is made, for nobody else, and while the first script that loads the module runs on;
 * - what is put off happens in another order once `process.nextTick` was looked at, as in the launcher;
 * - the C library keeps the variable, so that native code would see it and hand it on: there it is removed as well, and
 *   wiped out of what the system shows of the process.
 */
const PRELOAD = `
const program = __PROGRAM__;
if (process.env.BUN_BE_BUN !== undefined) {
  delete process.env.BUN_BE_BUN;
  if (Bun.isMainThread) forget("BUN_BE_BUN");
}
process.execPath = process.argv[0] = Bun.argv[0] = program;
if (process.execArgv.join() === __LAUNCHER__) process.execArgv = __OPTIONS__;
const start = { ...process.env };
process.nextTick;
for (const name of ["spawn", "spawnSync"]) {
  const spawn = Bun[name];
  Bun[name] = (first, second) => {
    const options = Array.isArray(first) ? { ...second, cmd: first } : { ...first };
    options.env ??= process.env;
    return spawn(options);
  };
}
const { which } = Bun;
Bun.which = (name, options) => which(name, { ...options, PATH: options?.PATH ?? start.PATH });
const Base = globalThis.Worker;
globalThis.Worker = class Worker extends Base {
  constructor(script, options) {
    super(script, { ...options, env: options?.env ?? start, preload: [import.meta.path, ...[options?.preload ?? []].flat()] });
  }
};
const ports = MessagePort.prototype;
const close = Object.getOwnPropertyDescriptor(ports, "close");
Object.defineProperty(ports, "close", {
  configurable: true,
  enumerable: close.enumerable,
  get() {
    // The module reads this when it has given ports that method.
    if ("on" in ports) {
      Object.defineProperty(ports, "close", close);
      offerPreload();
      queueMicrotask(whenLoaded);
    }
    return close.value;
  },
  set(value) {
    Object.defineProperty(this, "close", { ...close, value });
  },
});
function whenLoaded() {
  const { Worker } = process.getBuiltinModule("node:worker_threads");
  Object.setPrototypeOf(Worker, class EventEmitter extends Object.getPrototypeOf(Worker) {
    constructor() {
      super();
      offerPreload();
    }
  });
}
function offerPreload() {
  // Which fails in silence where that was frozen.
  Reflect.defineProperty(Object.prototype, "preload", {
    configurable: true,
    get() {
      return this?.workerData?.["@@bunWorkerThreadsMessaging"] === undefined ? undefined : [import.meta.path];
    },
    set(value) {
      Object.defineProperty(this, "preload", { configurable: true, enumerable: true, writable: true, value });
    },
  });
  queueMicrotask(() => delete Object.prototype.preload);
}
function forget(name) {
  const functions = {
    getenv: { args: ["ptr"], returns: "ptr" },
    unsetenv: { args: ["ptr"], returns: "i32" },
  };
  for (const library of __LIBRARIES__)
    try {
      const { dlopen, ptr, toArrayBuffer } = Bun.FFI;
      const { symbols } = dlopen(library, functions);
      const key = new TextEncoder().encode(name + "\\0");
      const value = symbols.getenv(ptr(key));
      symbols.unsetenv(ptr(key));
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

/**
 * Options of Bun that are a part of every launcher. The first has Bun leave `process.env.NODE_ENV` in scripts as it is,
 * where programs that it compiled would put "development" in its place. The last ends the options in front of those of
 * BUN_OPTIONS, so that these are words that nobody reads: what a user has set for their own Bun (`--watch`, `--cwd`,
 * `--preload`) is not for launchers.
 */
export const LAUNCHER_OPTIONS = ["--define=process.env.NODE_ENV=process.env.NODE_ENV", "--"] as const;

/** Whether any command of a package starts Bun. */
export const needsBun = ({ execution, setupCommands }: Metadata): boolean =>
  usesBun(execution.command) || setupCommands.some((setup) => "command" in setup && usesBun(setup.command));

/** What the files beside the link hold, by their paths. */
export function bunFilesOf(directory: string): Readonly<Record<string, string>> {
  const { program, preload, bunfig, tsconfig } = bunRuntimeOf(directory);
  return {
    [preload]: PRELOAD.trimStart()
      .replace("__PROGRAM__", () => JSON.stringify(program))
      .replace("__LAUNCHER__", () => JSON.stringify(LAUNCHER_OPTIONS.join()))
      .replace("__OPTIONS__", () => JSON.stringify(bunOptions(directory)))
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
