import { dlopen } from "bun:ffi";
import { existsSync } from "node:fs";

/** The functions of the C library that Bun does not offer. */
export interface Libc {
  /** 0, or -1 when the lock is held by another open file. */
  flock(fd: number, operation: number): number;
  /** Gives a signal its default disposition back; undefined where the platform has none. */
  resetSignal(signal: number): void;
}

export const LOCK_EXCLUSIVE_NOW = 2 | 4; // LOCK_EX | LOCK_NB, the same on Linux and macOS

let libc: Libc | undefined | "not asked yet" = "not asked yet";

/** The C library of this process, or undefined where it cannot be called: every caller has another way. */
export function loadLibc(): Libc | undefined {
  if (libc === "not asked yet") libc = open();
  return libc;
}

function open(): Libc | undefined {
  if (process.platform === "win32") return undefined;
  for (const name of libraryNames()) {
    try {
      const { symbols } = dlopen(name, {
        flock: { args: ["i32", "i32"], returns: "i32" },
        signal: { args: ["i32", "ptr"], returns: "ptr" },
      });
      return {
        flock: (fd, operation) => symbols.flock(fd, operation),
        resetSignal: (signal) => void symbols.signal(signal, null),
      };
    } catch {
      // Try the next name; a process without a callable C library is a supported case.
    }
  }
  return undefined;
}

function libraryNames(): readonly string[] {
  if (process.platform === "darwin") return ["libSystem.B.dylib"];
  const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
  const musl = `libc.musl-${arch}.so.1`;
  return existsSync(`/lib/${musl}`) ? [musl, "libc.so.6"] : ["libc.so.6", musl];
}
