import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PspfError } from "../../format/errors.ts";
import { fileSystemOf } from "./machine.ts";

const MARK = ".flavor-bench";
const ROOT = join(import.meta.dir, "..", "..");

/** A folder that everything is done in, and how it goes. */
export interface WorkFolder {
  readonly path: string;
  /** Removes what is in it, and the folder too unless it was named. */
  readonly remove: () => Promise<void>;
}

/**
 * The folder to work in: the named one, which must be ours or have nothing in it, because all of it is removed; else a new
 * one in `parent`. It is removed however the benchmark ends, unless it is kept. Throws `bad-arguments` for a folder of
 * somebody else.
 */
export function openWorkFolder(named: string | undefined, parent: string, keep = false): WorkFolder {
  const path = named ?? mkdtempSync(join(parent, "flavor-bench-"));
  if (named !== undefined) claim(named);
  const command = named === undefined ? ["rm", "-rf", path] : ["find", path, "-mindepth", "1", "-delete"];
  return { path, remove: keep ? () => Promise.resolve() : atTheEnd(command) };
}

function claim(named: string): void {
  mkdirSync(named, { recursive: true });
  const entries = readdirSync(named);
  if (entries.length > 0 && !entries.includes(MARK))
    throw new PspfError(
      "bad-arguments",
      `Cannot work in ${named}: it has files of others, wanted an empty folder`,
    );
  writeFileSync(join(named, MARK), "The benchmark works here, and removes everything.\n");
}

/**
 * Runs a command when we end: whoever interrupts or kills the benchmark would be left with gigabytes in memory. A shell
 * waits for the end of its input, which only we can write to; the function that is returned lets it come.
 */
function atTheEnd(command: readonly string[]): () => Promise<void> {
  const script = 'trap "" INT HUP TERM; cat >/dev/null; exec "$@"';
  const shell = Bun.spawn(["sh", "-c", script, "sh", ...command], { stdio: ["pipe", "ignore", "ignore"] });
  shell.unref();
  return async () => {
    shell.ref();
    shell.stdin.end();
    await shell.exited;
  };
}

/** Where a work folder is made when none is named: in memory where that is possible. */
export const memoryParent = (): string => (existsSync("/dev/shm") ? "/dev/shm" : tmpdir());

/** Where the folder of the rows about disks is made: the folder for temporary files unless that is memory as well. */
export function diskParent(): string {
  if (fileSystemOf(tmpdir()) !== "tmpfs") return tmpdir();
  const dist = join(ROOT, "dist");
  mkdirSync(dist, { recursive: true });
  return dist;
}
