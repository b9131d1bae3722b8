import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Call, said } from "./process.ts";
import { Skip } from "./skip.ts";

/**
 * The most memory that a command had at a time, in millions of bytes: its largest process, with all its threads, or the
 * largest that it started and waited for. The kernel counts it (`ru_maxrss`), so a short peak is not missed.
 *
 * GNU time stands between us and the command: a process begins with the peak of the one that starts it, so a small one
 * must. Throws Skip where it is not there.
 */
export function peakMegabytes(call: Call): number {
  const folder = mkdtempSync(join(tmpdir(), "flavor-peak-"));
  try {
    const report = join(folder, "report");
    said({ ...call, command: [gnuTime(), "-v", "-o", report, ...call.command] });
    const kibibytes = peakIn(readFileSync(report, "utf8"));
    if (kibibytes === undefined) throw new Error("Cannot measure memory: GNU time said nothing of it");
    return (kibibytes * 1024) / 1e6;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** busybox has a `time` as well, which counts KiB as pages: its peaks are four times too high. */
function gnuTime(): string {
  const time = Bun.which("time");
  if (time === null || !/GNU/.test(`${Bun.spawnSync([time, "--version"]).stdout}`))
    throw new Skip("memory is measured by GNU time, and it is not here");
  return time;
}

/** In KiB. */
export const peakIn = (report: string): number | undefined => {
  const found = /^\s*Maximum resident set size \(kbytes\): (\d+)$/m.exec(report)?.[1];
  return found === undefined ? undefined : Number(found);
};
