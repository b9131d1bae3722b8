import { closeSync, existsSync, mkdirSync, openSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { PspfError } from "../../errors.ts";
import { doing } from "../../io/fs.ts";
import { loadLibc } from "../../io/libc.ts";
import { canFlockIn, type Lease, makeLockFile, tryFlock, tryShare, WITHOUT_FLOCK } from "./flock.ts";

export { type Lease, makeLockFile, tryShare } from "./flock.ts";

/** A held lock; it ends with its scope, and with its process however that ends. */
export interface Lock extends Disposable {
  /**
   * Throws `workenv-busy` when another process may have the lock by now: it took over a folder whose holder was stopped
   * for half a minute, or it is the first here that cannot lock as this one does.
   */
  confirm(): void;
}

/** Milliseconds between attempts; the last one repeats. */
const WAITS = [1, 2, 5, 10, 25, 50, 100] as const;
const MESSAGE_AFTER = 1000;
const SOON = 200;

/**
 * Waits for the lock at `path` as long as another living process holds it. `onWait` is called once, after a second.
 * Nobody waits behind the dead: the kernel releases their locks, and where it cannot, others take them over.
 */
export const acquire = async (path: string, onWait: () => void): Promise<Lock> =>
  until(attemptsAt(path), onWait);

async function until<T>(attempt: () => Promise<T | undefined>, onWait: () => void): Promise<T> {
  const start = performance.now();
  let told = false;
  for (let round = 0; ; round++) {
    const held = await attempt();
    if (held !== undefined) return held;
    if (!told && performance.now() - start > MESSAGE_AFTER) {
      told = true;
      onWait();
    }
    await Bun.sleep(WAITS[Math.min(round, WAITS.length - 1)] as number);
  }
}

/** The lock at `path` when nobody holds it now, else undefined. */
export const tryAcquire = (path: string): Promise<Lock | undefined> => attemptsAt(path)();

/**
 * The lock at `path` when an application that has just ended holds it no longer: what it started may end a moment after
 * it, and has the lease until then. Undefined when somebody still holds it after that moment.
 */
export async function acquireSoon(path: string): Promise<Lock | undefined> {
  const start = performance.now();
  for (const attempt = attemptsAt(path); ; await Bun.sleep(SOON / 20)) {
    const lock = await attempt();
    if (lock !== undefined || performance.now() - start > SOON) return lock;
  }
}

/** Whether somebody holds or shares the lock at `path` now. Leaves nothing on the disk. */
export async function isLocked(path: string): Promise<boolean> {
  const missing = filesOf(path).filter((file) => !existsSync(file));
  if (missing.length === filesOf(path).length) return false;
  using lock = await tryAcquire(path);
  if (lock === undefined) return true;
  for (const file of missing.filter((name) => name !== directoryOf(path))) remove(file);
  return false;
}

/** Removes the files of a lock that is held: who waits for it sees that, and opens the next one. Then ends it. */
export function endLock(path: string, lock: Lock): void {
  const removeFiles = () => [path, databaseOf(path)].forEach(remove);
  removeFiles();
  lock[Symbol.dispose]();
  // Windows keeps a file that is open: now it is so only if somebody else has it.
  if (process.platform === "win32") removeFiles();
}

/** What stays harms nobody. */
function remove(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // stays
  }
}

/** A lease as of `tryShare`; waits while somebody has the lock exclusively. Undefined where there can be none. */
export const share = async (path: string): Promise<Lease | undefined> => {
  const lease = await until(
    async () => asked(tryShare(path), () => makeLockFile(path)),
    () => {},
  );
  return lease === "none" ? undefined : lease;
};

/** Undefined for what another attempt may change. */
function asked(answer: ReturnType<typeof tryShare>, makeFile: () => boolean): Lease | "none" | undefined {
  if (answer === "missing") return makeFile() ? undefined : "none";
  return answer === "busy" ? undefined : answer;
}

const databaseOf = (path: string): string => `${path}.sqlite`;
const directoryOf = (path: string): string => `${path}.held`;
const filesOf = (path: string): readonly string[] => [path, databaseOf(path), directoryOf(path)];

/**
 * The ways to lock, the best first; behind them all is a folder. Processes that can do different things must still
 * exclude each other: each takes every rung that it can, down to the first that nobody has failed to use in this folder.
 * Who cannot use a rung leaves a note for all others.
 */
const NOTES = { flock: WITHOUT_FLOCK, database: "without-sqlite" } as const;
type Rung = keyof typeof NOTES;
const RUNGS = ["flock", "database"] as const satisfies readonly Rung[];

const noteIn = (folder: string, rung: Rung): string => join(folder, NOTES[rung]);

/** Whether leases protect what runs: nobody has failed to `flock` in this folder of locks. */
export function hasLeases(folder: string): boolean {
  if (existsSync(noteIn(folder, "flock"))) return false;
  try {
    return canFlockIn(folder);
  } catch {
    return loadLibc() !== undefined; // nothing can be removed from a cache that nothing can be written to
  }
}

/**
 * Whether this process would see a holder of the lock at `path`. Not so where another one has used `flock`, which this
 * one cannot: they share no rung until this one has left its note.
 */
export const canSee = (path: string): boolean => !existsSync(path) || canFlockIn(dirname(path));

const createFolderOf = (path: string): void =>
  doing("create the folder of", path, () => void mkdirSync(dirname(path), { recursive: true, mode: 0o700 }));

function attemptsAt(path: string): () => Promise<Lock | undefined> {
  const folder = dirname(path);
  let lastRung: (() => Lock | undefined) | undefined;
  return async () => {
    createFolderOf(path);
    using taken = new DisposableStack();
    for (const rung of RUNGS) {
      const note = noteIn(folder, rung);
      const lock = await take(rung, path);
      if (lock === "unusable") {
        doing("write", note, () => closeSync(openSync(note, "a", 0o600)));
        continue;
      }
      if (lock === undefined) return undefined;
      taken.use(lock);
      // Asked only now: a note that was there before this rung was taken has been seen.
      if (!existsSync(note)) return together(taken.move(), () => confirmNone(note, path));
    }
    lastRung ??= (await import("./directory-lock.ts")).directoryAttempts(directoryOf(path));
    const lock = lastRung();
    if (lock === undefined) return undefined;
    taken.use(lock);
    return together(taken.move(), () => lock.confirm());
  };
}

/** Who leaves a note now has not seen this lock, and this process not theirs. */
function confirmNone(note: string, path: string): void {
  if (!existsSync(note)) return;
  throw new PspfError(
    "workenv-busy",
    `Cannot keep the lock ${path}: another process began to lock differently`,
    {
      hint: "start it again",
    },
  );
}

const together = (taken: DisposableStack, confirm: () => void): Lock => ({
  confirm,
  [Symbol.dispose]: () => taken.dispose(),
});

async function take(rung: Rung, path: string): Promise<Disposable | undefined | "unusable"> {
  const folder = dirname(path);
  if (rung === "flock") return canFlockIn(folder) ? tryFlock(path) : "unusable";
  const { canUseDatabaseIn, tryDatabase } = await import("./database-lock.ts");
  return canUseDatabaseIn(folder) ? tryDatabase(databaseOf(path)) : "unusable";
}
