import { closeSync, existsSync, fstatSync, mkdirSync, openSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { doing, errnoOf, ioError } from "../io/fs.ts";
import { type Libc, LOCK_EXCLUSIVE_NOW, LOCK_SHARED_NOW, loadLibc } from "../io/libc.ts";

/** A held lock; it ends with its scope, and with its process however that ends. */
export type Lock = Disposable;

/**
 * A shared hold on a workenv: while anyone has one, nobody renames or removes it. It is an open file, so a program
 * that inherits it holds it, too, and the kernel ends it with the last of them.
 */
export interface Lease extends Disposable {
  readonly fd: number;
}

/** Milliseconds between attempts; the last one repeats. */
const WAITS = [1, 2, 5, 10, 25, 50, 100] as const;
const MESSAGE_AFTER = 1000;

/**
 * Waits for the lock at `path` as long as another living process holds it. `onWait` is called once, after a second.
 * The kernel releases the lock when its holder dies, so nobody waits behind the dead.
 */
export const acquire = async (path: string, onWait: () => void): Promise<Lock> =>
  until(await attemptAt(path), onWait);

async function until<T>(attempt: () => T | undefined, onWait: () => void): Promise<T> {
  const start = performance.now();
  let told = false;
  for (let round = 0; ; round++) {
    const held = attempt();
    if (held !== undefined) return held;
    if (!told && performance.now() - start > MESSAGE_AFTER) {
      told = true;
      onWait();
    }
    await Bun.sleep(WAITS[Math.min(round, WAITS.length - 1)] as number);
  }
}

/** The lock at `path` when nobody holds it now, else undefined. */
export const tryAcquire = async (path: string): Promise<Lock | undefined> => (await attemptAt(path))();

/** Whether another open file holds the lock at `path` now. Leaves nothing on the disk. */
export async function isLocked(path: string): Promise<boolean> {
  if (!existsSync(path) && !existsSync(databaseOf(path))) return false;
  using lock = await tryAcquire(path);
  return lock === undefined;
}

/** Ends a lock for good, with its file. Only for locks that nobody else will ever want. */
export function endLock(path: string, lock: Lock): void {
  rmSync(path, { force: true });
  lock[Symbol.dispose]();
  rmSync(databaseOf(path), { force: true }); // only now, because Windows removes no open file
}

/**
 * A lease on what the lock at `path` stands for. Changes nothing on the disk. "busy": somebody has it exclusively.
 * "none": there is no lock file, or there can be no lease, because there is no `flock` (SQLite's lock cannot be
 * inherited) or the file cannot be read.
 */
export async function tryShare(path: string): Promise<Lease | "busy" | "none"> {
  const libc = await loadLibc();
  if (libc === undefined) return "none";
  try {
    // Reading is enough for a shared lock, also where nothing can be written.
    return flockNow(libc, path, "r", LOCK_SHARED_NOW) ?? "busy";
  } catch {
    return "none";
  }
}

/**
 * A lease as of `tryShare`, but waits as long as somebody has it exclusively, and makes the lock file where it is
 * missing. Undefined where there can be none.
 */
export async function share(path: string): Promise<Lease | undefined> {
  const libc = await loadLibc();
  if (libc === undefined) return undefined;
  try {
    return await until(
      () => sharedAt(libc, path),
      () => {},
    );
  } catch {
    return undefined;
  }
}

function sharedAt(libc: Libc, path: string): Lease | undefined {
  try {
    return flockNow(libc, path, "r", LOCK_SHARED_NOW);
  } catch (error) {
    if (errnoOf((error as Error).cause) !== "ENOENT") throw error;
  }
  createFolderOf(path);
  return flockNow(libc, path, "a+", LOCK_SHARED_NOW);
}

const createFolderOf = (path: string): void =>
  doing("create the folder of", path, () => void mkdirSync(dirname(path), { recursive: true, mode: 0o700 }));

async function attemptAt(path: string): Promise<() => Lock | undefined> {
  createFolderOf(path);
  const libc = await loadLibc();
  return libc === undefined ? databaseAttempt(path) : () => flockNow(libc, path, "a+", LOCK_EXCLUSIVE_NOW);
}

/** Network file systems want the file open for reading to share it, and for writing to have it exclusively. */
function flockNow(libc: Libc, path: string, flags: "r" | "a+", operation: number): Lease | undefined {
  const fd = doing("open the lock", path, () => openSync(path, flags, 0o600));
  // A lock file may be removed by its holder: what was opened must still be what stands there.
  if (libc.flock(fd, operation) === 0 && isSameFile(fd, path))
    return { fd, [Symbol.dispose]: () => closeSync(fd) };
  closeSync(fd);
  return undefined;
}

function isSameFile(fd: number, path: string): boolean {
  try {
    return fstatSync(fd).ino === statSync(path).ino;
  } catch {
    return false;
  }
}

const databaseOf = (path: string): string => `${path}.sqlite`;

/** Without a callable C library: an exclusive transaction of SQLite, which also ends with its process. */
async function databaseAttempt(path: string): Promise<() => Lock | undefined> {
  const { Database } = await import("bun:sqlite");
  return () => {
    const database = doing("open the lock", path, () => new Database(databaseOf(path)));
    try {
      database.run("PRAGMA busy_timeout = 0");
      database.run("BEGIN EXCLUSIVE");
      return { [Symbol.dispose]: () => database.close() };
    } catch (error) {
      database.close();
      if ((error as { code?: unknown }).code === "SQLITE_BUSY") return undefined;
      throw ioError("lock", path, error);
    }
  };
}
