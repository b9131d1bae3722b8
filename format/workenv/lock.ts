import { closeSync, fstatSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { doing, ioError } from "../io/fs.ts";
import { type Libc, LOCK_EXCLUSIVE_NOW, loadLibc } from "../io/libc.ts";

/** A held lock; it ends with its scope, and with its process however that ends. */
export type Lock = Disposable;

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

async function attemptAt(path: string): Promise<() => Lock | undefined> {
  doing("create the folder of", path, () => mkdirSync(dirname(path), { recursive: true, mode: 0o700 }));
  const libc = loadLibc();
  return libc === undefined ? databaseAttempt(path) : () => flockNow(libc, path);
}

function flockNow(libc: Libc, path: string): Lock | undefined {
  const fd = doing("open the lock", path, () => openSync(path, "a", 0o600));
  // A lock file may be removed by its holder: what was opened must still be what stands there.
  if (libc.flock(fd, LOCK_EXCLUSIVE_NOW) === 0 && isSameFile(fd, path))
    return { [Symbol.dispose]: () => closeSync(fd) };
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
