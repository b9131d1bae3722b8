import { dlopen, ptr } from "bun:ffi";
import { existsSync } from "node:fs";

/** The functions of the C library that Bun does not offer. */
export interface Libc {
  /** 0, or -1 when another open file holds the lock in a way that does not go with this one. */
  flock(fd: number, operation: number): number;
  /** Gives a signal its default disposition back; undefined where the platform has none. */
  resetSignal(signal: number): void;
  /** Lets this process leave no core when it ends. */
  withoutCore(): void;
  /** Lets a file stay open in the program that this process becomes. */
  keepOpen(fd: number): void;
  /**
   * Becomes another program, without Bun's own `execve` closing every file before. Returns only when that fails; the
   * reason is then what `process.execve` says, which fails the same way.
   */
  execve(program: string, argv: readonly string[], env: Readonly<Record<string, string>>): void;
  /** Brings everything that was written to the file system of an open file onto its disk; whether it could. */
  syncfs(fd: number): boolean;
}

/** Operations of flock(2), the same on Linux and macOS: never blocking, because that would block signals too. */
export const LOCK_SHARED_NOW = 1 | 4;
export const LOCK_EXCLUSIVE_NOW = 2 | 4;

/** The same on Linux and macOS. */
const RLIMIT_CORE = 4;

let libc: Libc | undefined | "not asked yet" = "not asked yet";

/** The C library of this process, or undefined where it cannot be called: every caller has another way. */
export function loadLibc(): Libc | undefined {
  if (globalThis.isWithout?.("libc") === true) return undefined;
  if (libc === "not asked yet") libc = open();
  return libc;
}

/**
 * Numbers for an inherited file that scripts do not use for their own, the first one below the limit of open files.
 * `dup2` and not `fcntl`, whose variable arguments cannot be passed this way on every processor.
 */
export const HIGH_NUMBERS = [900, 200, 60] as const;

function open(): Libc | undefined {
  if (process.platform === "win32") return undefined;
  for (const name of libraryNames()) {
    try {
      const { symbols } = dlopen(name, {
        flock: { args: ["i32", "i32"], returns: "i32" },
        signal: { args: ["i32", "ptr"], returns: "ptr" },
        dup2: { args: ["i32", "i32"], returns: "i32" },
        execve: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
      });
      return {
        flock: (fd, operation) => symbols.flock(fd, operation),
        resetSignal: (signal) => void symbols.signal(signal, null),
        keepOpen: (fd) => void HIGH_NUMBERS.some((number) => symbols.dup2(fd, number) === number),
        execve(program, argv, env) {
          const memory: Uint8Array[] = []; // what C sees must live until it is done
          const text = (value: string) => {
            const bytes = new TextEncoder().encode(`${value}\0`);
            memory.push(bytes);
            return ptr(bytes);
          };
          const list = (values: readonly string[]) => {
            // Two halves each: a first BigInt costs a start 0.2 ms.
            const pointers = new Uint32Array(2 * (values.length + 1));
            for (const [i, value] of values.entries()) {
              const address = text(value);
              pointers[2 * i] = address % 2 ** 32;
              pointers[2 * i + 1] = Math.floor(address / 2 ** 32);
            }
            memory.push(new Uint8Array(pointers.buffer));
            return ptr(pointers);
          };
          const variables = Object.entries(env).map(([key, value]) => `${key}=${value}`);
          symbols.execve(text(program), list(argv), list(variables));
        },
        withoutCore() {
          try {
            const { symbols: more } = dlopen(name, { setrlimit: { args: ["i32", "ptr"], returns: "i32" } });
            more.setrlimit(RLIMIT_CORE, ptr(new Uint8Array(16)));
          } catch {
            // then there may be one
          }
        },
        syncfs(fd) {
          // Linux only; loaded when asked for, because each symbol costs every start some time.
          try {
            const { symbols: more } = dlopen(name, { syncfs: { args: ["i32"], returns: "i32" } });
            return more.syncfs(fd) === 0;
          } catch {
            return false;
          }
        },
      };
    } catch {
      // Try the next name; a process without a callable C library is a supported case.
    }
  }
  return undefined;
}

/** Names of the C library of this platform, the likelier one first. */
export function libraryNames(): readonly string[] {
  if (process.platform === "darwin") return ["libSystem.B.dylib"];
  const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
  const musl = `libc.musl-${arch}.so.1`;
  return existsSync(`/lib/${musl}`) ? [musl, "libc.so.6"] : ["libc.so.6", musl];
}
