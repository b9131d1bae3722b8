import { dlopen, type Pointer } from "bun:ffi";
import { writeSync } from "node:fs";
import { libraryNames } from "./libc.ts";

/** What only Linux has, and only a process needs that starts another. What cannot be done is not done. */
export interface LinuxLibc {
  /** Has this process get a signal when its parent is gone. The parent may be gone already. */
  signalAtParentDeath(signal: number): void;
  ignoreSignal(signal: number): void;
  /** Has reads and writes of an open file return at once, for everybody who has it open. */
  makeImpatient(fd: number): void;
  /** The number of an open file without a name, with a text in it. Throws where there is none. */
  memoryFile(text: string): number;
}

/** Undefined where there is no such library, or it cannot be called. */
export function loadLinuxLibc(): LinuxLibc | undefined {
  if (process.platform !== "linux" || globalThis.isWithout?.("libc") === true) return undefined;
  for (const name of libraryNames()) {
    try {
      return open(name);
    } catch {
      // the next name
    }
  }
  return undefined;
}

const PR_SET_PDEATHSIG = 1;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;

function open(name: string): LinuxLibc {
  const { symbols } = dlopen(name, {
    prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
    signal: { args: ["i32", "ptr"], returns: "ptr" },
    fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
    memfd_create: { args: ["ptr", "u32"], returns: "i32" },
  });
  return {
    signalAtParentDeath: (signal) => void symbols.prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0),
    ignoreSignal: (signal) => void symbols.signal(signal, SIG_IGN),
    makeImpatient: (fd) => void symbols.fcntl(fd, F_SETFL, symbols.fcntl(fd, F_GETFL, 0) | O_NONBLOCK),
    memoryFile(text) {
      const fd = symbols.memfd_create(new TextEncoder().encode("order\0"), 0);
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
      return fd;
    },
  };
}

/** The address 1 stands for "ignore". */
const SIG_IGN = 1 as Pointer;
