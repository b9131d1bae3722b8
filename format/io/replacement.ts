import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  write,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Bytes } from "../types.ts";
import { syncFolder } from "./durable.ts";
import { PspfError } from "../errors.ts";
import { doing, doingAsync } from "./fs.ts";

/** A file that is written beside its final place and appears there whole or not at all. */
export interface Replacement extends Disposable {
  /** Where the bytes are until `commit`. */
  readonly path: string;
  write(piece: Bytes): void;
  /** Writes at an offset; `written` stays what it is. */
  writeAt(piece: Bytes, at: number): void;
  /** The same, by a thread of the runtime. */
  writeBeside(piece: Bytes, at: number): Promise<void>;
  /** Goes on at another offset: what is left out reads as zeros, and what was written behind it is gone. */
  skipTo(offset: number): void;
  readonly written: number;
  /** Goes on with the file that is at `path` now, for when somebody else has put another one there. */
  reopen(): void;
  /** Closes the file and puts it into its place; "durable" puts content and name onto the disk, in this order. */
  commit(how?: "durable"): void;
  /** Without a `commit` before, removes every trace. */
  [Symbol.dispose](): void;
}

/** Never made anew: a signal may have removed it. */
const ANEW = constants.O_RDWR | (constants.O_NOFOLLOW ?? 0);

/** What stands beside its place right now, for a signal handler. */
let unfinished: Set<string> | undefined;

/** Says that a file is being written, by others than us, until its scope ends. */
export function unfinishedAt(path: string): Disposable {
  unfinished ??= new Set();
  unfinished.add(path);
  return { [Symbol.dispose]: () => void unfinished?.delete(path) };
}

/** Removes the files that are being written: for a process that is about to end by a signal. */
export function removeUnfinished(): void {
  for (const path of unfinished ?? []) rmSync(path, { force: true });
  unfinished = undefined;
}

/** Throws `io-failed` for a device, a fifo or a socket: root would put a file into the place of /dev/null. */
export function openReplacement(target: string, mode: number): Replacement {
  if (isSpecial(target))
    throw new PspfError("io-failed", `Cannot write ${target}: it is no regular file`, {
      hint: "name a file that is to be made, or replaced",
    });
  const folder = dirname(target);
  const path = join(folder, `.${basename(target)}.${crypto.randomUUID().slice(0, 8)}.part`);
  let fd = doing("write", target, () => openSync(path, "wx", 0o600));
  unfinished ??= new Set();
  unfinished.add(path);
  let isOpen = true;
  let written = 0;
  const put = (piece: Bytes, position: number) => {
    for (let at = 0; at < piece.length;)
      at += doing("write", target, () => writeSync(fd, piece, at, piece.length - at, position + at));
  };
  const close = () => {
    if (isOpen) closeSync(fd);
    isOpen = false;
  };
  return {
    path,
    write(piece) {
      put(piece, written);
      written += piece.length;
    },
    writeAt: put,
    async writeBeside(piece, position) {
      for (let at = 0; at < piece.length;)
        at += await doingAsync("write", target, () => writeByThread(fd, piece.subarray(at), position + at));
    },
    skipTo(offset) {
      if (offset < written) doing("write", target, () => ftruncateSync(fd, offset));
      written = offset;
    },
    get written() {
      return written;
    },
    reopen() {
      close();
      fd = doing("write", target, () => openSync(path, ANEW));
      isOpen = true;
    },
    commit(how) {
      doing("write", target, () => {
        if (process.platform !== "win32") fchmodSync(fd, mode);
        if (how === "durable") fsyncSync(fd);
        close();
        globalThis.failPoint?.("file-written");
        renameSync(path, target);
        globalThis.failPoint?.("file-renamed");
        if (how === "durable") syncFolder(folder);
      });
      unfinished?.delete(path);
    },
    [Symbol.dispose]() {
      close();
      if (unfinished?.delete(path)) rmSync(path, { force: true });
    },
  };
}

/** Whether there is something that a file cannot stand for. */
function isSpecial(path: string): boolean {
  try {
    const there = statSync(path);
    return !there.isFile() && !there.isDirectory();
  } catch {
    return false; // nothing is there, or who writes will hear of it
  }
}

const writeByThread = (fd: number, piece: Bytes, at: number): Promise<number> =>
  new Promise((resolve, reject) => {
    write(fd, piece, 0, piece.length, at, (error, count) =>
      error === null ? resolve(count) : reject(error),
    );
  });

/** Writes a small file so that readers see the old content or the new, never a part. Makes its folder. */
export function replaceFile(target: string, content: string | Bytes, mode = 0o600, how?: "durable"): void {
  doing("create the folder of", target, () => mkdirSync(dirname(target), { recursive: true, mode: 0o700 }));
  using file = openReplacement(target, mode);
  file.write(typeof content === "string" ? new TextEncoder().encode(content) : content);
  file.commit(how);
}
