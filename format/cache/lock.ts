import { closeSync, fstatSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { doing, ioError } from "../io/fs.ts";
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
export async function acquire(path: string, onWait: () => void): Promise<Lock> {
  const attempt = await attemptAt(path);
  const start = performance.now();
  let told = false;
  for (let round = 0; ; round++) {
    const lock = attempt();
    if (lock !== undefined) return lock;
    if (!told && performance.now() - start > MESSAGE_AFTER) {
      told = true;
      onWait();
    }
    await Bun.sleep(WAITS[Math.min(round, WAITS.length - 1)] as number);
  }
}

/** The lock at `path` when nobody holds it now, else undefined. */
export const tryAcquire = async (path: string): Promise<Lock | undefined> => (await attemptAt(path))();

/**
 * A lease on what the lock at `path` stands for. "busy": somebody has it exclusively. "none": there can be no lease
 * here, because there is no `flock` (SQLite's lock cannot be inherited) or the lock cannot be opened, as in a cache
 * that is only readable.
 */
export function tryShare(path: string): Lease | "busy" | "none" {
  const libc = loadLibc();
  if (libc === undefined) return "none";
  try {
    return flockNow(libc, path, LOCK_SHARED_NOW) ?? "busy";
  } catch {
    return "none";
  }
}

async function attemptAt(path: string): Promise<() => Lock | undefined> {
  doing("create the folder of", path, () => mkdirSync(dirname(path), { recursive: true, mode: 0o700 }));
  const libc = loadLibc();
  return libc === undefined ? databaseAttempt(path) : () => flockNow(libc, path, LOCK_EXCLUSIVE_NOW);
}

function flockNow(libc: Libc, path: string, operation: number): Lease | undefined {
  const fd = doing("open the lock", path, () => openSync(path, "a+", 0o600));
  globalThis.failPoint?.("lock-opened");
  // Network file systems want the file open for reading to share it, and for writing to have it alone.
  // A lock file may be removed by its holder: what was opened must still be what stands there.
  if (libc.flock(fd, operation) === 0 && isSameFile(fd, path)) {
    globalThis.failPoint?.("lock-held");
    return { fd, [Symbol.dispose]: () => closeSync(fd) };
  }
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

/** Without a callable C library: an exclusive transaction of SQLite, which also ends with its process. */
async function databaseAttempt(path: string): Promise<() => Lock | undefined> {
  const { Database } = await import("bun:sqlite");
  return () => {
    const database = doing("open the lock", path, () => new Database(`${path}.sqlite`));
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
