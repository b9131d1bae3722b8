import { encodeText } from "./text-bytes.ts";

/** The functions of the C library that Bun does not offer. */
export interface Libc {
  /** 0, or -1 when another open file holds the lock in a way that does not go with this one. */
  flock(fd: number, operation: number): number;
  /** Gives a signal its default disposition back; undefined where the platform has none. */
  resetSignal(signal: number): void;
  /** Lets this process leave no core when it ends. */
  withoutCore(): void;
  /** Lets this process open as many files as it may: what Bun does for itself elsewhere. */
  openManyFiles(): void;
  /** Gives variables of this process new values. */
  setVariables(variables: Readonly<Record<string, string>>): void;
  /** Ends this process without anything that would be done at its end. */
  exitNow(code: number): void;
  /** Lets a file stay open in the program that this process becomes, under a high number that is not `taken`. */
  keepOpen(fd: number, taken?: readonly number[]): void;
  /** Lets files stay open in that program under the numbers that they have. Linux only. */
  keepNumbers(fds: readonly number[]): void;
  /**
   * Becomes another program, without Bun's own `execve` closing every file before; `variables` are lines `NAME=value`.
   * Strings are bytes as `decodeText` makes them. Returns only when that fails; the reason is then what
   * `process.execve` says, which fails the same way.
   */
  execve(program: string, argv: readonly string[], variables: readonly string[]): void;
  /** Brings everything that was written to the file system of an open file onto its disk; whether it could. */
  syncfs(fd: number): boolean;
}

/** Operations of flock(2), the same on Linux and macOS: never blocking, because that would block signals too. */
export const LOCK_SHARED_NOW = 1 | 4;
export const LOCK_EXCLUSIVE_NOW = 2 | 4;
/** Ends a lock for all who have the same open file. */
export const UNLOCK = 8;

/** The same on Linux and macOS. */
const RLIMIT_CORE = 4;
const F_SETFD = 2;
/** On Linux. */
const RLIMIT_NOFILE = 7;

/**
 * Bun's own functions beneath "bun:ffi". That module wraps them in JavaScript, which costs every start 0.1 ms, and with
 * the memory that it takes JavaScriptCore gets to where it starts a thread: 0.6 ms. These convert nothing, so pointers are
 * numbers here. A Bun without them would be one without a C library; a test of this file would say so.
 */
const native = (Bun as { readonly FFI?: Pick<typeof import("bun:ffi"), "dlopen" | "ptr"> }).FFI;

/** The address of bytes that the caller keeps. */
export const pointerTo = (bytes: ArrayBufferView): number =>
  (native as NonNullable<typeof native>).ptr(bytes as never);

const untilZero = (text: string): string => text.split("\0", 1)[0] as string;

/** Unlike "bun:ffi", it returns its errors. */
export const dlopen: typeof import("bun:ffi").dlopen = (name, functions) => {
  const library = (native as NonNullable<typeof native>).dlopen(name, functions);
  if (library instanceof Error) throw library;
  return library;
};

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
  if (process.platform === "win32" || native === undefined) return undefined;
  const { ptr } = native;
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
        keepOpen(fd, taken = []) {
          for (const number of HIGH_NUMBERS)
            if (!taken.includes(number) && symbols.dup2(fd, number) === number) return;
        },
        keepNumbers(fds) {
          // Its arguments vary in kind, which no processor that Linux runs on minds here.
          const { symbols: more } = dlopen(name, { fcntl: { args: ["i32", "i32", "i32"], returns: "i32" } });
          for (const fd of fds) more.fcntl(fd, F_SETFD, 0);
        },
        execve(program, argv, variables) {
          const count = 1 + argv.length + variables.length;
          // Strings with a zero behind each.
          const words = `${program}\0${argv.join("\0")}\0`;
          const bytes = encodeText(variables.length === 0 ? words : `${words}${variables.join("\0")}\0`);
          const start = ptr(bytes);
          // Two halves each: a first BigInt costs a start 0.2 ms.
          const pointers = new Uint32Array(2 * (count + 1));
          let offset = 0;
          for (let i = 1; i < count; i++) {
            offset = bytes.indexOf(0, offset) + 1;
            // A zero ends the arguments, before the first variable.
            const place = i <= argv.length ? i - 1 : i;
            const address = start + offset;
            const low = address % 2 ** 32;
            pointers[2 * place] = low;
            pointers[2 * place + 1] = (address - low) / 2 ** 32;
          }
          // C ends a string where its first zero is; with one too many all of them would be others.
          if (bytes.indexOf(0, offset) + 1 !== bytes.length)
            return this.execve(untilZero(program), argv.map(untilZero), variables.map(untilZero));
          symbols.execve(start, ptr(pointers), ptr(pointers, 8 * (argv.length + 1)));
        },
        withoutCore() {
          try {
            const { symbols: more } = dlopen(name, { setrlimit: { args: ["i32", "ptr"], returns: "i32" } });
            more.setrlimit(RLIMIT_CORE, ptr(new Uint8Array(16)));
          } catch {
            // then there may be one
          }
        },
        openManyFiles() {
          const rlimit = { args: ["i32", "ptr"], returns: "i32" } as const;
          const { symbols: more } = dlopen(name, { getrlimit: rlimit, setrlimit: rlimit });
          const limits = new Uint8Array(16);
          if (more.getrlimit(RLIMIT_NOFILE, ptr(limits)) !== 0) return;
          limits.copyWithin(0, 8);
          more.setrlimit(RLIMIT_NOFILE, ptr(limits));
        },
        setVariables(variables) {
          const { symbols: more } = dlopen(name, { setenv: { args: ["ptr", "ptr", "i32"], returns: "i32" } });
          for (const [key, value] of Object.entries(variables))
            more.setenv(ptr(encodeText(`${key}\0`)), ptr(encodeText(`${value}\0`)), 1);
        },
        exitNow(code) {
          const { symbols: more } = dlopen(name, { _exit: { args: ["i32"], returns: "void" } });
          more._exit(code);
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
  // It is the loader of programs as well, so it can be found as one: without a module for files.
  return Bun.which(musl, { PATH: "/lib" }) === null ? ["libc.so.6", musl] : [musl, "libc.so.6"];
}
