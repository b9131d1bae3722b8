import { Database } from "bun:sqlite";
import { closeSync, openSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { doing, errnoOf } from "../../io/fs.ts";
import { FRESH } from "./flock.ts";

/**
 * An exclusive transaction of SQLite on an empty file: it ends with its process like `flock`, but no other process can
 * inherit it. Undefined when somebody else has it; "unusable" when the file is no database. Throws `io-failed` when it
 * cannot be made.
 */
export function tryDatabase(file: string): Disposable | undefined | "unusable" {
  create(file);
  const inode = inodeOf(file);
  let database: Database | undefined;
  try {
    database = new Database(file);
    database.run("PRAGMA busy_timeout = 0");
    begin(database);
    // A file that its holder has removed meanwhile locks nothing.
    if (inode !== undefined && inodeOf(file) === inode) return closing(database);
  } catch (error) {
    // SQLite also complains of a file that was removed under it.
    if (!isBusy(error) && inode !== undefined && inodeOf(file) === inode) {
      database?.close();
      return "unusable";
    }
  }
  database?.close();
  return undefined;
}

function begin(database: Database): void {
  if (globalThis.isWithout?.("sqlite") === true) throw Object.assign(new Error("taken away"), { code: BUSY });
  database.run("BEGIN EXCLUSIVE");
}

/** Also what SQLite says where the system has no locks of its kind. */
const BUSY = "SQLITE_BUSY";
const isBusy = (error: unknown): boolean => (error as { code?: unknown }).code === BUSY;

const closing = (database: Database): Disposable => ({ [Symbol.dispose]: () => database.close() });

/** Only where there is none: who closes a file gives up all locks that its process has on it in SQLite's way. */
function create(file: string): void {
  if (inodeOf(file) !== undefined) return;
  doing("open the lock", file, () => {
    try {
      closeSync(openSync(file, "wx", 0o600));
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
  });
}

const inodeOf = (file: string): number | undefined => statSync(file, { throwIfNoEntry: false })?.ino;

const usable = new Map<string, boolean>();

/** Whether such locks work in a folder, found out as `canFlockIn` does. Throws `io-failed` when no file can be made. */
export function canUseDatabaseIn(folder: string): boolean {
  const known = usable.get(folder) ?? tryFreshFile(folder);
  usable.set(folder, known);
  return known;
}

function tryFreshFile(folder: string): boolean {
  const file = join(folder, `${FRESH}${crypto.randomUUID()}`);
  create(file);
  try {
    const lock = tryDatabase(file);
    if (lock === undefined || lock === "unusable") return false;
    lock[Symbol.dispose]();
    return true;
  } finally {
    rmSync(file, { force: true });
  }
}
