import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Ran, runPackage, type RunOptions } from "./launcher.ts";

/** A folder that stands for `/etc`, with files of the machine's owner in `/etc/flavor`: by name, as text. */
export function makeEtc(path: string, files: Readonly<Record<string, string>>): string {
  const folder = join(path, "flavor");
  for (const each of [path, folder]) {
    mkdirSync(each, { recursive: true });
    chmodSync(each, 0o755);
  }
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o644);
  }
  return path;
}

/** Mounts $0 over /etc, for this process and what it becomes only. */
const SCRIPT = 'mount --bind "$0" /etc && exec "$@"';

/** Why a program cannot be given an `/etc` of its own here; undefined when it can. */
export function cannotReplaceEtc(scratch: string): string | undefined {
  if (process.platform !== "linux") return "only Linux gives a process an /etc of its own";
  if (Bun.which("unshare") === null) return "there is no unshare";
  const { exitCode, stderr } = Bun.spawnSync(underEtc(makeEtc(scratch, {}), ["true"]), { stderr: "pipe" });
  return exitCode === 0 ? undefined : `an /etc of its own: ${stderr.toString().trim()}`;
}

const underEtc = (etc: string, command: readonly string[]): string[] => [
  Bun.which("unshare") ?? "unshare",
  "--mount",
  "--propagation=private",
  ...["sh", "-c", SCRIPT, etc, ...command],
];

/** Runs an executable to its end on a machine whose `/etc` is another folder. Nobody else sees that. */
export function runUnderEtc(
  etc: string,
  path: string,
  args: readonly string[],
  options: RunOptions,
): Promise<Ran> {
  const [unshare = "", ...rest] = underEtc(etc, [path, ...args]);
  return runPackage(unshare, rest, options);
}
