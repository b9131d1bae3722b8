import { mkdirSync, realpathSync, rmdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PspfError } from "../errors.ts";
import { errnoOf } from "../io/fs.ts";
import { noexecMountOf, readMountinfo } from "../io/mounts.ts";
import type { Package } from "../reader.ts";
import { storeOf } from "./layout.ts";
import type { Rung } from "./location.ts";
import { ownershipFault } from "./ownership.ts";

/** Bytes that must be free to unpack a package: twice its original size, for safety; guessed where it is not signed. */
export const spaceFor = ({ slots }: Pick<Package, "slots">): number =>
  slots.reduce(
    (sum, { entry, stored }) =>
      sum + (entry.originalSize === undefined ? 4 * stored.size : 2 * entry.originalSize),
    0,
  );

/** Why nothing can be unpacked to a folder, and what its user can do about it. */
interface Fault {
  readonly cause: string;
  readonly remedy: string;
}

/** Who asks for a place: the user's number is undefined where files have no such owners. */
export interface PlaceRequest {
  /** Bytes; see `spaceFor`. */
  readonly needed: number;
  readonly uid: number | undefined;
  /** Whether scripts are to be run by Bun there. */
  readonly needsBun?: boolean;
  /** Told of every folder that is passed over, with the cause. */
  readonly onUnusable: (problem: string) => void;
}

/**
 * The first of the folders in which a package can be unpacked and run: it is the user's own, it can be written, it has
 * the space, and programs in it can be executed. All is tried there, and nothing is left where it failed. Throws
 * `no-workenv-location` with one line for each folder.
 */
export function choosePlace(candidates: readonly Rung[], request: PlaceRequest): string {
  const faults: Fault[] = [];
  const problems: string[] = [];
  for (const { path, why } of candidates) {
    const fault = faultOf(path, request);
    if (fault === undefined) return path;
    const problem = `${path} (${NAMED_BY[why]}): ${fault.cause}`;
    request.onUnusable(problem);
    faults.push(fault);
    problems.push(problem);
  }
  const state = candidates.length === 0 ? "there is no home directory" : "no folder for it can be used";
  throw new PspfError("no-workenv-location", `Cannot find a place to unpack to: ${state}`, {
    problems,
    hint: faults[0]?.remedy ?? `${ELSEWHERE} of yours`,
  });
}

const ELSEWHERE = "set FLAVOR_CACHE to a folder";

const NAMED_BY = {
  FLAVOR_CACHE: "from FLAVOR_CACHE",
  XDG_CACHE_HOME: "from XDG_CACHE_HOME",
  home: "in the home folder",
  temp: "in the temporary folder",
} as const satisfies Record<Rung["why"], string>;

function faultOf(path: string, { needed, uid, needsBun }: PlaceRequest): Fault | undefined {
  const { staging } = storeOf(path);
  let created: string | undefined;
  let fault: Fault | undefined;
  try {
    // Before anything is made, so that nothing is made where a stranger's link leads.
    fault = ownerFault(path, uid) ?? (needsBun === true ? nameFault(path) : undefined);
    if (fault === undefined) {
      created = mkdirSync(staging, { recursive: true, mode: 0o700 });
      fault = ownerFault(path, uid) ?? spaceFault(path, needed) ?? programFault(staging, uid);
    }
  } catch (error) {
    fault = { cause: refusalOf(error), remedy: `${ELSEWHERE} that you may write to` };
  }
  if (fault !== undefined && created !== undefined) removeEmpty(staging, created);
  return fault;
}

function ownerFault(path: string, uid: number | undefined): Fault | undefined {
  const fault = uid === undefined ? undefined : ownershipFault(path, uid);
  if (fault === undefined || fault === "absent") return undefined;
  return { cause: fault.cause, remedy: `${ELSEWHERE} that only you may write to` };
}

/** What stands behind a question mark is no part of a file's name to Bun, and it turns backslashes round. */
function nameFault(path: string): Fault | undefined {
  const unfit = process.platform === "win32" ? undefined : /[?\\]/.exec(path)?.[0];
  if (unfit === undefined) return undefined;
  return {
    cause: `Bun runs no scripts from a path with ${unfit}`,
    remedy: `${ELSEWHERE} without it in its path`,
  };
}

function spaceFault(path: string, needed: number): Fault | undefined {
  const { bavail, bsize, blocks } = statfsSync(path);
  const free = bavail * bsize;
  // A file system without a size of its own says 0 blocks.
  if (blocks === 0 || free >= needed) return undefined;
  return {
    cause: `there is not enough space: ${mebibytes(free)} are free, ${mebibytes(needed)} are needed`,
    remedy: `free some space on that disk, or ${ELSEWHERE} on another one`,
  };
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/**
 * Writes something, and starts it though it is no program: that is only found when it would be started otherwise, which
 * nothing else says of the next ones. A real one would take a millisecond.
 */
function programFault(directory: string, uid: number | undefined): Fault | undefined {
  const program = join(directory, crypto.randomUUID());
  try {
    writeFileSync(program, "no program\n", { mode: 0o700, flag: "wx" });
    return uid === undefined || canStart(program) ? undefined : noexecFault(directory);
  } finally {
    rmSync(program, { force: true });
  }
}

function canStart(program: string): boolean {
  try {
    Bun.spawnSync([program], { stdio: ["ignore", "ignore", "ignore"], env: {} });
    return true;
  } catch (error) {
    return errnoOf(error) !== "EACCES" && errnoOf(error) !== "EPERM";
  }
}

function noexecFault(directory: string): Fault {
  const mount = noexecMountOf(realpathSync(directory), readMountinfo());
  return {
    cause: mount === undefined ? "the system starts no programs there" : `${mount} is mounted noexec`,
    remedy: `${ELSEWHERE} on a file system that programs may be started from`,
  };
}

const REFUSALS: Readonly<Record<string, string>> = {
  EACCES: "you may not write there",
  EPERM: "you may not write there",
  EROFS: "its file system is read-only",
  ENOSPC: "its disk is full",
  EDQUOT: "your disk quota is used up",
  ENOTDIR: "a part of the path is a file",
  EEXIST: "a part of the path is a file",
  ELOOP: "a part of the path is a symlink to itself",
};

function refusalOf(error: unknown): string {
  const code = errnoOf(error);
  const words = code === undefined ? undefined : REFUSALS[code];
  return words ?? `it cannot be made (${code ?? String(error)})`;
}

/** Removes the folders from `from` up to `to` as long as they are empty. */
function removeEmpty(from: string, to: string): void {
  try {
    for (let path = from; path.length >= to.length; path = dirname(path)) rmdirSync(path);
  } catch {
    // somebody else has begun to use them
  }
}
