import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { PspfError } from "../errors.ts";
import { doing, errnoOf } from "../io/fs.ts";
import { readQuickly } from "../io/quick-contents.ts";
import { shortLived } from "../short-lived.ts";
import type { Bytes } from "../types.ts";
import type { TreeEntry } from "./tree-entry.ts";

/** What a file contains, read from its beginning to its end. */
export interface Contents extends Disposable {
  /** Puts more of it to the front of `into`; the number of bytes, 0 at the end. */
  read(into: Bytes): number;
}

/** A file that became a link or a fifo since it was listed must neither be followed nor block; Windows has neither. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** The contents of a listed file. */
export function fileContents(entry: TreeEntry): Contents {
  const path = entry.absolute;
  const fd = doing("open", path, () => openSync(path, FLAGS));
  // An empty fifo reads like an empty file.
  if (entry.size === 0 && !fstatSync(fd).isFile()) {
    closeSync(fd);
    throw changed(entry);
  }
  return {
    read(into) {
      try {
        return readSync(fd, into);
      } catch (error) {
        if (errnoOf(error) === "EISDIR") throw changed(entry);
        return doing("read", path, () => {
          throw error;
        });
      }
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}

/**
 * Puts the next `length` bytes of an entry to the front of `into`. At the end of the entry, one byte behind them is asked
 * for, too: it must not come, and needs room. Throws `build-failed` for an entry of another length than was listed.
 */
export function readExactly(
  contents: Contents,
  into: Bytes,
  length: number,
  entry: TreeEntry,
  isEnd: boolean,
): void {
  const wanted = isEnd ? length + 1 : length;
  let done = 0;
  do {
    const count = contents.read(into.subarray(done, wanted));
    if (count === 0) break;
    done += count;
  } while (done < length);
  if (done !== length) throw changed(entry);
}

/**
 * Puts all of a listed file into memory, from `at` on, where there is room for one byte more than was listed. Throws as
 * `readExactly` does.
 */
export function readWhole(entry: TreeEntry, memory: Bytes, at: number): void {
  const { absolute, size } = entry;
  // What gave less than was asked for has come to its end. Empty files are to be looked at.
  if (size > 0 && readQuickly(absolute, FLAGS, memory, at, size + 1) === size) return;
  using contents = fileContents(entry);
  readExactly(contents, memory.subarray(at), size, entry, true);
}

shortLived({ fileContents, readExactly, readWhole });

/** The failure of an entry that is not what was listed. */
const changed = (entry: TreeEntry): PspfError =>
  new PspfError(
    "build-failed",
    `Cannot pack ${entry.absolute}: it is not ${entry.size} bytes long, as it was when it was listed`,
    { hint: "stop whatever writes to it, then pack again" },
  );
