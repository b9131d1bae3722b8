import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Call, said } from "./process.ts";
import { Skip } from "./skip.ts";

/**
 * The most memory that a command had at a time, in millions of bytes: its largest process, with all its threads, or the
 * largest that it started and waited for. The kernel counts it (`ru_maxrss`), so a short peak is not missed.
 *
 * Between us and the command stands GNU time or busybox: a process begins with the peak of the one that starts it, so
 * a small one must. Throws Skip where neither is there.
 */
export function peakMegabytes(call: Call): number {
  const folder = mkdtempSync(join(tmpdir(), "flavor-peak-"));
  try {
    const report = join(folder, "report");
    said({ ...call, command: [...meter(), "-v", "-o", report, ...call.command] });
    const kibibytes = peakIn(readFileSync(report, "utf8"));
    if (kibibytes === undefined) throw new Error(`Cannot measure memory: ${meter()[0]} said nothing of it`);
    return (kibibytes * 1024) / 1e6;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function meter(): readonly string[] {
  const [time, busybox] = [Bun.which("time"), Bun.which("busybox")];
  if (time !== null) return [time];
  if (busybox !== null) return [busybox, "time"];
  throw new Skip("memory is measured by GNU time or busybox, and neither is here");
}

/** In KiB, from a report of either. */
export const peakIn = (report: string): number | undefined => {
  const found = /^\s*Maximum resident set size \(kbytes\): (\d+)$/m.exec(report)?.[1];
  return found === undefined ? undefined : Number(found);
};
