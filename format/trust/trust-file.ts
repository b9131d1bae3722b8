import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { PspfError } from "../errors.ts";
import { errnoOf } from "../io/fs.ts";
import type { Bytes } from "../types.ts";
import { type DocumentKind, MAX_DOCUMENT_SIZE } from "./document.ts";

/** Whose file it is, and who else could have written it. */
export type Keeper = "the system" | "the user";

/**
 * The bytes of a file of trust; undefined when there is none. One that cannot be read, is no file, is too large, or that
 * somebody else may write to, is refused with the code of its kind: what it should have said is not known.
 */
export function readTrustFile(path: string, kind: DocumentKind, keeper: Keeper): Bytes | undefined {
  const refuse = (state: string, hint = kind.hint(path)): never => {
    throw new PspfError(kind.code, `Cannot use ${kind.what} ${path}: ${state}`, { hint });
  };
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") return undefined;
    // A home that is somebody else's, as daemons may have, is none.
    if (keeper === "the user" && errno === "EACCES" && !canEnter(dirname(path))) return undefined;
    return refuse(`it cannot be read (${errno ?? String(error)})`);
  }
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) return refuse("it is not a file");
    if (stats.size > MAX_DOCUMENT_SIZE)
      return refuse(`it has ${stats.size} bytes, at most ${MAX_DOCUMENT_SIZE} are read`);
    const fault = faultOfKeeper(path, stats, keeper);
    if (fault !== undefined) return refuse(fault.state, fault.hint);
    const bytes = new Uint8Array(stats.size);
    return bytes.subarray(0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}

export function canEnter(folder: string): boolean {
  try {
    accessSync(folder, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const GROUP_OR_OTHERS = 0o022;
const OTHERS = 0o002;

interface Owned {
  readonly uid: number;
  readonly mode: number;
}

interface Fault {
  readonly state: string;
  readonly hint: string;
}

/** Windows has no such numbers: there, the rights of the folder are its owner's business. */
function faultOfKeeper(path: string, file: Owned, keeper: Keeper): Fault | undefined {
  if (process.platform === "win32") return undefined;
  if (keeper === "the user")
    return (file.mode & OTHERS) === 0
      ? undefined
      : { state: "everybody may write to it", hint: `look at what it says, then: chmod go-w ${path}` };
  const places = new Map<string, Owned>([[path, file]]);
  for (const folder of [dirname(path), dirname(realpathSync(path))]) places.set(folder, statSync(folder));
  for (const [place, { uid, mode }] of places) {
    if (uid !== 0)
      return {
        state: `${place} does not belong to root`,
        hint: `look at what it says, then, as root: chown root ${place}`,
      };
    if ((mode & GROUP_OR_OTHERS) !== 0)
      return {
        state: `others than root may write to ${place}`,
        hint: `look at what it says, then, as root: chmod go-w ${place}`,
      };
  }
  return undefined;
}
