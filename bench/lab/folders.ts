import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PspfError } from "../../format/errors.ts";
import { fileSystemOf } from "./machine.ts";

const MARK = ".flavor-bench";
const ROOT = join(import.meta.dir, "..", "..");

/** The folder that everything is done in, and how it goes. */
export interface WorkFolder {
  readonly path: string;
  /** Removes the folder with all that is in it; one that was named and there before stays, empty. */
  readonly remove: () => void;
}

/**
 * The folder to work in: the named one, which must be ours or have nothing in it, because all of it is removed; else a new
 * one in `parent`. Throws `bad-arguments` for a folder of somebody else.
 */
export function openWorkFolder(named: string | undefined, parent: string): WorkFolder {
  if (named === undefined) {
    const path = mkdtempSync(join(parent, "flavor-bench-"));
    return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
  }
  mkdirSync(named, { recursive: true });
  const entries = readdirSync(named);
  if (entries.length > 0 && !entries.includes(MARK))
    throw new PspfError(
      "bad-arguments",
      `Cannot work in ${named}: it has files of others, wanted an empty folder`,
    );
  writeFileSync(join(named, MARK), "The benchmark works here, and removes everything.\n");
  const remove = () => {
    for (const name of readdirSync(named)) rmSync(join(named, name), { recursive: true, force: true });
  };
  return { path: named, remove };
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
