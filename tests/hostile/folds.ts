import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Whether the disk of a folder takes two names that differ in case for one. */
export function foldsNames(folder: string): boolean {
  const probe = join(folder, "probe-of-names");
  writeFileSync(probe, "");
  const folds = existsSync(join(folder, "PROBE-OF-NAMES"));
  rmSync(probe);
  return folds;
}
