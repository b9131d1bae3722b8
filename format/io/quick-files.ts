import { byLibc } from "./by-libc.ts";
import { dlopen, pointerTo } from "./libc.ts";
import { AT_EMPTY_PATH, millisecondsIn, modeIn, STATX, STATX_SIZE, TOO_LONG } from "./statx.ts";

/**
 * The few deeds with files that every start does, by the C library of Linux: `node:fs` takes 0.25 ms to load, a twentieth
 * of a start. What the library refuses is done again by `node:fs`, and so is all where it cannot be called: results and
 * errors are the same.
 */

/** `node:fs`, for what few starts do: loaded when it is first needed. */
export const nodeFs = (): typeof import("node:fs") => process.getBuiltinModule("node:fs");

/** What stat(2) says, under the names and in the units of `node:fs`. */
export interface Status {
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly ino: number;
  readonly mtimeMs: number;
  readonly birthtimeMs: number;
}

const TYPE = 0o170000;
const FILE = 0o100000;
export const isFile = ({ mode }: Pick<Status, "mode">): boolean => (mode & TYPE) === FILE;

/** Opens a file for reading, with more flags of open(2). Throws as `openSync` does. */
export function openToRead(path: string, flags = 0): number {
  const fd = quick()?.open(path, flags) ?? -1;
  return fd < 0 ? nodeFs().openSync(path, flags) : fd;
}

/** Not once more when it fails: the number may be that of another thread's file by then. */
export function close(fd: number): void {
  const libc = quick();
  if (libc === undefined) nodeFs().closeSync(fd);
  else libc.close(fd);
}

/** Throws as `statSync` and `fstatSync` do. */
export const statusOf = (file: string | number): Status =>
  quick()?.status(file, 0) ?? (typeof file === "string" ? nodeFs().statSync(file) : nodeFs().fstatSync(file));

/** Of a link itself; undefined where nothing is. Throws as `lstatSync` does. */
export const statusOfLink = (path: string): Status | undefined =>
  quick()?.status(path, NOFOLLOW) ?? nodeFs().lstatSync(path, { throwIfNoEntry: false });

/** Reads bytes from an offset on; how many there were. Throws as `readSync` does. */
export function readAt(fd: number, bytes: Uint8Array, offset: number): number {
  const count = quick()?.read(fd, bytes, offset) ?? -1;
  return count < 0 ? nodeFs().readSync(fd, bytes, 0, bytes.length, offset) : count;
}

/** Everything in a file, also in one that does not know its size. Throws as `readFileSync` does. */
export function readAll(file: string | number): Uint8Array {
  const fd = typeof file === "string" ? openToRead(file) : file;
  try {
    let bytes = new Uint8Array(AT_ONCE);
    for (let length = 0; ;) {
      const count = readAt(fd, bytes.subarray(length), length);
      if (count === 0) return bytes.subarray(0, length);
      length += count;
      if (length < bytes.length) continue;
      const more = new Uint8Array(2 * length);
      more.set(bytes);
      bytes = more;
    }
  } finally {
    if (fd !== file) close(fd);
  }
}

/** As `readFileSync` has it with "utf8". */
export const readText = (file: string | number): string =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(readAll(file));

/** As `existsSync`. */
export const exists = (path: string): boolean => quick()?.isThere(path) ?? nodeFs().existsSync(path);

/** Whether a file may be started. */
export function isExecutable(path: string): boolean {
  if (quick()?.mayRun(path) === true) return true;
  try {
    nodeFs().accessSync(path, nodeFs().constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const AT_ONCE = 32 * 1024;

/** Of Linux, the same on every processor. */
const AT_FDCWD = -100;
const NOFOLLOW = 0x100;
const O_CLOEXEC = 0o2000000;
const F_OK = 0;
const X_OK = 1;
/** STATX_BASIC_STATS and STATX_BTIME; what a file system does not know is 0. */
const FACTS = 0x7ff | 0x800;

const functionsOf = (name: string) =>
  dlopen(name, {
    open: { args: ["ptr", "i32"], returns: "i32" },
    close: { args: ["i32"], returns: "i32" },
    statx: { args: ["i32", "ptr", "i32", "i32", "ptr"], returns: "i32" },
    pread: { args: ["i32", "ptr", "u64", "i64"], returns: "i32" },
    access: { args: ["ptr", "i32"], returns: "i32" },
  }).symbols;

const quick = byLibc((library) => quickFiles(functionsOf(library)));

function quickFiles(libc: ReturnType<typeof functionsOf>) {
  // One memory for all, which stays where it is: addresses of it are handed over.
  const memory = new ArrayBuffer(STATX_SIZE + TOO_LONG + 1);
  const facts = new Uint32Array(memory, 0, STATX_SIZE / 4);
  const text = new Uint8Array(memory, STATX_SIZE);
  const room = text.subarray(0, TOO_LONG);
  const factsAt = pointerTo(facts) as never;
  const textAt = pointerTo(text) as never;
  const encoder = new TextEncoder();
  /** A path that is none is for `node:fs` to refuse. */
  const put = (path: string): boolean => {
    text[encoder.encodeInto(path, room).written] = 0;
    return !path.includes("\0");
  };
  const number = (at: number): number => (facts[at] as number) + (facts[at + 1] as number) * 2 ** 32;
  return {
    open: (path: string, flags: number) => (put(path) ? libc.open(textAt, flags | O_CLOEXEC) : -1),
    close: (fd: number) => libc.close(fd),
    isThere: (path: string) => put(path) && libc.access(textAt, F_OK) === 0,
    mayRun: (path: string) => put(path) && libc.access(textAt, X_OK) === 0,
    read(fd: number, bytes: Uint8Array, offset: number) {
      return bytes.length === 0 ? 0 : libc.pread(fd, pointerTo(bytes) as never, bytes.length, offset);
    },
    status(file: string | number, flags: number): Status | undefined {
      const isPath = typeof file === "string";
      if (!put(isPath ? file : "")) return undefined;
      const [at, how] = isPath ? [AT_FDCWD, flags] : [file, AT_EMPTY_PATH];
      if (libc.statx(at, textAt, how, FACTS, factsAt) !== 0) return undefined;
      return {
        size: number(STATX.size),
        mode: modeIn(facts),
        uid: facts[STATX.uid] as number,
        ino: number(STATX.ino),
        mtimeMs: millisecondsIn(facts, STATX.modified),
        birthtimeMs: millisecondsIn(facts, STATX.born),
      };
    },
  };
}
