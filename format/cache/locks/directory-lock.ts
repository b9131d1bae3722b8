import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { PspfError } from "../../errors.ts";
import { doing, errnoOf, ioError } from "../../io/fs.ts";
import { removeTree } from "../../io/remove-tree.ts";
import { keepBeating } from "./heartbeat.ts";

/** Milliseconds. */
export interface Pace {
  /** Between two signs of life of a holder. */
  readonly beat: number;
  /** How long one observer must have seen none before it takes the lock over. */
  readonly patience: number;
}

const PACE: Pace = { beat: 10_000, patience: 30_000 };
const DAY = 24 * 60 * 60 * 1000;

/** A lock that its holder can lose: when it gave no sign of life for a long time, because it was stopped. */
export interface DirectoryLock extends Disposable {
  /** Throws `workenv-busy` when somebody else has taken the lock over. */
  confirm(): void;
}

/**
 * Attempts at a lock that needs nothing but folders: it is held while a folder stands at `path` with the token of its
 * holder inside, which is touched again and again. It comes into being with the token, by one rename; it is taken over
 * by renaming the token of the dead, so that of several only one succeeds; and it is given up by removing the own
 * token, which fails when another has taken over. No clocks are compared: an observer measures by its own how long
 * nothing has moved.
 */
export function directoryAttempts(path: string, pace: Pace = PACE): () => DirectoryLock | undefined {
  const seen = { sign: "", since: 0 };
  return () => {
    const held = tokenIn(path);
    if (held === undefined) return claim(path, pace);
    const token = join(path, held);
    const touched = statSync(token, { throwIfNoEntry: false })?.mtimeMs;
    const sign = `${held} ${touched}`;
    const now = performance.now();
    if (sign !== seen.sign) Object.assign(seen, { sign, since: now });
    const isDead = now - seen.since > pace.patience || (touched !== undefined && isLongPast(path, touched));
    return isDead ? takeOver(path, token, pace) : undefined;
  };
}

const newToken = (): string => `owner-${crypto.randomUUID()}`;

function tokenIn(path: string): string | undefined {
  const names = namesIn(path) ?? [];
  return names.find((name) => name.startsWith("owner-")) ?? names[0];
}

function namesIn(path: string): readonly string[] | undefined {
  try {
    return readdirSync(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw ioError("look at the lock", path, error);
  }
}

function claim(path: string, pace: Pace): DirectoryLock | undefined {
  const token = newToken();
  const prepared = `${path}.${token}`;
  try {
    mkdirSync(prepared, { mode: 0o700 });
    describeOwner(join(prepared, token), "wx");
    // Whoever was killed while giving the lock up has left the folder empty; with anything in it, this fails.
    if (existsSync(path)) rmdirSync(path);
    renameSync(prepared, path);
  } catch (error) {
    removeTree(prepared);
    if (tokenIn(path) !== undefined || isLostRace(error)) return undefined;
    throw ioError("make the lock", path, error);
  }
  return heldBy(path, token, pace);
}

/** Another was quicker, or has swept what was prepared. */
const isLostRace = (error: unknown): boolean =>
  ["EEXIST", "ENOTEMPTY", "ENOENT"].includes(errnoOf(error) ?? "");

function takeOver(path: string, dead: string, pace: Pace): DirectoryLock | undefined {
  const token = newToken();
  try {
    renameSync(dead, join(path, token));
    // Never made again: until this sign of life, the next one may have taken it over for dead.
    truncateSync(join(path, token));
    describeOwner(join(path, token), "r+");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined; // another was quicker
    throw ioError("take over the lock", path, error);
  }
  return heldBy(path, token, pace);
}

/** For people who look for the holder; nobody else reads it. */
const describeOwner = (token: string, flag: "wx" | "r+"): void =>
  writeFileSync(token, `${JSON.stringify({ pid: process.pid, host: hostname() })}\n`, { mode: 0o600, flag });

function heldBy(path: string, name: string, { beat }: Pace): DirectoryLock {
  const token = join(path, name);
  keepBeating(token, beat);
  return {
    confirm() {
      if (existsSync(token)) return;
      throw new PspfError(
        "workenv-busy",
        `Cannot go on: this process did not run for a while, and another one has taken over its lock ${path}`,
        { hint: "start it again" },
      );
    },
    [Symbol.dispose]() {
      try {
        rmSync(token);
        rmdirSync(path);
      } catch {
        // Somebody else has it, or has made it anew already.
      }
    },
  };
}

/**
 * Whether the last sign of life is older than a day by the clock that dated it: for those who look only once. A day is
 * more than clocks are ever put right by.
 */
function isLongPast(path: string, touched: number): boolean {
  if (Date.now() - touched < DAY) return false; // saves the file below
  const fresh = `${path}.${newToken()}`;
  return doing("look at the lock", path, () => {
    try {
      writeFileSync(fresh, "");
      return statSync(fresh).mtimeMs - touched > DAY;
    } finally {
      rmSync(fresh, { force: true });
    }
  });
}
