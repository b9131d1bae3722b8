import { closeSync, constants, fchmodSync, fstatSync, futimesSync, openSync, writeSync } from "node:fs";
import type { Bytes } from "../types.ts";
import { shortLived } from "../short-lived.ts";
import { byLibc } from "./by-libc.ts";
import { dlopen, pointerTo } from "./libc.ts";
import { timeOf } from "./new-file.ts";
import { AT_EMPTY_PATH, millisecondsIn, modeIn, STATX, STATX_SIZE, TOO_LONG } from "./statx.ts";

/** Makes files and folders below one folder, from bytes of one memory, as quickly as can be. */
export interface NewFiles extends Disposable {
  /**
   * Makes a file of `size` bytes of the memory from `at`. Its path is relative to the folder and must not lead out of it,
   * which is not looked at here; folders around it are there. Permission bits `mode`; `mtime` in seconds since 1970, 0
   * for now. Throws where anything is there already, and for whatever else goes wrong.
   */
  make(path: string, mode: number, mtime: number, at: number, size: number): void;
  /** Makes a folder, if all around it is there; whether it is new and has exactly these permission bits. */
  folder(path: string, mode: number): boolean;
  /** Of the file that was made last, as `lstat` gives them. */
  readonly mtimeMs: number;
  readonly mode: number;
}

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | 0o2000000; // O_CLOEXEC
/** STATX_MODE and STATX_MTIME */
const FACTS = 0x2 | 0x40;
/** For a path, and for what ends it. */
const ROOM = TOO_LONG + 4;

const { utf8Write } = Buffer.prototype as unknown as {
  utf8Write(this: Uint8Array, text: string, at: number, length: number): number;
};

/**
 * By the C library of Linux; undefined where that cannot be called. For 13 000 files, `node:fs` takes 20 ms of processor
 * time more: it walks the whole path of each and makes an object of what it finds.
 */
export function openNewFiles(root: string, memory: Bytes): NewFiles | undefined {
  try {
    const functions = libc();
    return functions && newFiles(root, memory, functions);
  } catch {
    return undefined; // others write the files, and say what is wrong
  }
}

type Functions = NonNullable<ReturnType<typeof libc>>;

const libc = byLibc(
  (library) =>
    dlopen(library, {
      openat: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
      mkdirat: { args: ["i32", "ptr", "i32"], returns: "i32" },
      write: { args: ["i32", "ptr", "u64"], returns: "i32" },
      statx: { args: ["i32", "ptr", "i32", "i32", "ptr"], returns: "i32" },
      close: { args: ["i32"], returns: "i32" },
    }).symbols,
);

/** Where bytes lie, for as long as they are kept. Those of a small array move when its buffer is first asked for. */
const placeOf = (bytes: ArrayBufferView): number => pointerTo(new Uint8Array(bytes.buffer, bytes.byteOffset));

function newFiles(
  root: string,
  memory: Bytes,
  { openat, mkdirat, write, statx, close }: Functions,
): NewFiles {
  const folder = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  const text = new Uint8Array(ROOM);
  const facts = new Uint32Array(STATX_SIZE / 4);
  const [memoryAt, textAt, factsAt] = [placeOf(memory), placeOf(text), placeOf(facts)];
  const emptyAt = textAt + ROOM - 1;
  let grantedMode = -1;

  function make(path: string, mode: number, mtime: number, at: number, size: number): void {
    if (at < 0 || size < 0 || at + size > memory.length) throw new RangeError("that is not in the memory");
    put(path);
    const fd = openat(folder, textAt as never, CREATE, mode);
    if (fd < 0) throw new Error(`${JSON.stringify(path)} cannot be made, or is there already`);
    try {
      const written = size === 0 ? 0 : write(fd, (memoryAt + at) as never, size);
      if (written !== size) writeRest(fd, at + Math.max(written, 0), at + size);
      look(fd);
      if ((files.mode & 0o7777) !== mode || mtime !== 0) complete(fd, mode, mtime);
    } finally {
      close(fd);
    }
  }

  function makeFolder(path: string, mode: number): boolean {
    put(path);
    if (mkdirat(folder, textAt as never, mode) !== 0) return false;
    if (mode === grantedMode) return true;
    // The umask may take some of it, or the folder around it give others: always the same.
    if (statx(folder, textAt as never, 0, FACTS, factsAt as never) !== 0) return false;
    if ((modeIn(facts) & 0o777) !== mode) return false;
    grantedMode = mode;
    return true;
  }

  /** One that has to be cut is still too long. */
  function put(path: string): void {
    text[utf8Write.call(text, path, 0, TOO_LONG)] = 0;
  }

  function look(fd: number): void {
    if (statx(fd, emptyAt as never, AT_EMPTY_PATH, FACTS, factsAt as never) !== 0) {
      ({ mode: files.mode, mtimeMs: files.mtimeMs } = fstatSync(fd));
      return;
    }
    files.mode = modeIn(facts);
    files.mtimeMs = millisecondsIn(facts, STATX.modified);
  }

  /** What the system has not taken at once; why, is what Bun says. */
  function writeRest(fd: number, from: number, end: number): void {
    for (let at = from; at < end;) at += writeSync(fd, memory, at, end - at);
  }

  /** The umask has taken some of the mode, or there is a time to be given. */
  function complete(fd: number, mode: number, mtime: number): void {
    if ((files.mode & 0o7777) !== mode) fchmodSync(fd, mode);
    if (mtime !== 0) futimesSync(fd, timeOf(mtime), timeOf(mtime));
    look(fd);
  }

  shortLived({ make, makeFolder, put, look });
  const files = { make, folder: makeFolder, mode: 0, mtimeMs: 0, [Symbol.dispose]: () => closeSync(folder) };
  return files;
}
