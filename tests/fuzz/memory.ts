import { readFileSync, writeFileSync } from "node:fs";

const isLinux = process.platform === "linux";

/**
 * The most memory that this process had since `forgetPeak`, in bytes; where that cannot be forgotten, since it began.
 * Not by getrusage() on Linux: there the peak of a process is also that of the one which started it.
 */
export function peakMemory(): number {
  if (!isLinux) return process.resourceUsage().maxRSS * 1024;
  const [, kibibytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(kibibytes) * 1024;
}

/** Lets the peak be what is used now (proc(5), clear_refs); false where there is no way to. */
export function forgetPeak(): boolean {
  if (!isLinux) return false;
  writeFileSync("/proc/self/clear_refs", "5");
  return true;
}
