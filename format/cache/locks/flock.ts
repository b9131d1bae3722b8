import { dirname, join } from "node:path";
import { doing, errnoOf } from "../../io/fs.ts";
import { type Libc, LOCK_EXCLUSIVE_NOW, LOCK_SHARED_NOW, loadLibc } from "../../io/libc.ts";
import { close, nodeFs, openToRead, statusOf } from "../../io/quick-files.ts";

/**
 * A shared hold on a workenv: while anyone has one, nobody renames or removes it. It is an open file, so a program
 * that inherits it holds it, too, and the kernel ends it with the last of them.
 */
export interface Lease extends Disposable {
  readonly fd: number;
}

/** Says, in a folder of locks, that somebody could not use `flock` there: see `lock.ts`. */
export const WITHOUT_FLOCK = "without-flock";

/**
 * A lease on what the lock at `path` stands for. Changes nothing on the disk, so it is to be had in a cache that is
 * only readable, too. "busy": somebody has the lock exclusively. "missing": there is no lock file. "none": there can
 * be no lease here.
 */
export function tryShare(path: string): Lease | "busy" | "missing" | "none" {
  const libc = loadLibc();
  if (libc === undefined) return "none";
  try {
    // Network file systems want the file open for reading to share it, and for writing to have it alone.
    const lease = hold(libc, openToRead(path), path, LOCK_SHARED_NOW);
    return lease ?? (cannotLockIn(dirname(path)) ? "none" : "busy");
  } catch (error) {
    return errnoOf(error) === "ENOENT" ? "missing" : "none";
  }
}

/** Makes a lock file that is missing; whether it could. */
export function makeLockFile(path: string): boolean {
  try {
    nodeFs().mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    close(nodeFs().openSync(path, "a", 0o600));
    return true;
  } catch {
    return false;
  }
}

/** The lock at `path`, when nobody else holds or shares it. Throws `io-failed` when its file cannot be made. */
export function tryFlock(path: string): Lease | undefined {
  const libc = loadLibc();
  if (libc === undefined) return undefined;
  const fd = doing("open the lock", path, () => nodeFs().openSync(path, "a+", 0o600));
  return hold(libc, fd, path, LOCK_EXCLUSIVE_NOW);
}

function hold(libc: Libc, fd: number, path: string, operation: number): Lease | undefined {
  globalThis.failPoint?.("lock-opened");
  // A lock file may be removed by its holder: what was opened must still be what stands there.
  if (flock(libc, fd, operation) && isSameFile(fd, path)) {
    globalThis.failPoint?.("lock-held");
    return { fd, [Symbol.dispose]: () => close(fd) };
  }
  close(fd);
  return undefined;
}

const flock = (libc: Libc, fd: number, operation: number): boolean =>
  globalThis.isWithout?.("flock") !== true && libc.flock(fd, operation) === 0;

function isSameFile(fd: number, path: string): boolean {
  try {
    return statusOf(fd).ino === statusOf(path).ino;
  } catch {
    return false;
  }
}

let usable: Map<string, boolean> | undefined;

/**
 * Whether `flock` works in a folder. A lock that fails may be held by another or may not be possible, and systems give
 * many reasons for the second; so a fresh file is locked that nobody else can have. Asked once per process and folder.
 * Throws `io-failed` when no file can be made there.
 */
export function canFlockIn(folder: string): boolean {
  usable ??= new Map();
  const known = usable.get(folder) ?? tryFreshFile(folder);
  usable.set(folder, known);
  return known;
}

/** Names of files that only they need who made them. */
export const FRESH = "fresh-";

function tryFreshFile(folder: string): boolean {
  const libc = loadLibc();
  if (libc === undefined) return false;
  const path = join(folder, `${FRESH}${crypto.randomUUID()}`);
  const fd = doing("make a lock in", folder, () => nodeFs().openSync(path, "wx+", 0o600));
  try {
    return flock(libc, fd, LOCK_EXCLUSIVE_NOW);
  } finally {
    close(fd);
    nodeFs().rmSync(path, { force: true });
  }
}

/** Where nothing can be written, "held by another" is the answer that harms nobody. */
function cannotLockIn(folder: string): boolean {
  try {
    return nodeFs().existsSync(join(folder, WITHOUT_FLOCK)) || !canFlockIn(folder);
  } catch {
    return false;
  }
}
