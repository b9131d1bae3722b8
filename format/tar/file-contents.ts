import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { PspfError } from "../errors.ts";
import { doing } from "../io/fs.ts";
import type { ByteStream } from "../types.ts";
import type { TreeEntry } from "./tree-entry.ts";

const CHUNK = 1024 * 1024;
/** A file that became a link or a fifo since it was listed must neither be followed nor block; Windows has neither. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * The contents of a listed file in pieces of at most 1 MiB. Throws `build-failed` if the file is not as long as it was
 * when it was listed, at any time until the last byte was read.
 */
export async function* fileContents(entry: TreeEntry): ByteStream {
  const { absolute: path, size } = entry;
  const fd = doing("open", path, () => openSync(path, FLAGS));
  try {
    checkUnchanged(fd, entry);
    for (let done = 0; done < size;) {
      const piece = new Uint8Array(Math.min(CHUNK, size - done));
      const count = doing("read", path, () => readSync(fd, piece, 0, piece.length, done));
      if (count === 0) throw changed(entry);
      done += count;
      yield count === piece.length ? piece : piece.subarray(0, count);
    }
    checkUnchanged(fd, entry);
  } finally {
    closeSync(fd);
  }
}

function checkUnchanged(fd: number, entry: TreeEntry): void {
  const stat = doing("look at", entry.absolute, () => fstatSync(fd));
  if (!stat.isFile() || stat.size !== entry.size) throw changed(entry);
}

const changed = (entry: TreeEntry) =>
  new PspfError("build-failed", `Cannot pack ${entry.absolute}: it changed while it was being read`, {
    hint: "stop whatever writes to it, then pack again",
  });
