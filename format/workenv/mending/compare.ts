import { closeSync, openSync, readlinkSync, readSync } from "node:fs";
import { join, posix } from "node:path";
import { errnoOf } from "../../io/fs.ts";
import type { TreeWriter } from "../../io/tree-writer.ts";
import type { Progress } from "../../progress/progress.ts";
import type { Package } from "../../reader.ts";
import { contentSizeOf } from "../../slot-limit.ts";
import type { Sha256 } from "../../types.ts";
import { sha256Stream } from "../../wire/hashes.ts";
import { extractSlot } from "../unpacking/extract-slot.ts";
import { EXISTENCE_ONLY, isDirectoryMode, isSymlinkMode } from "./file-facts.ts";
import { type IndexedFile, NO_SLOT } from "./stat-index.ts";

/**
 * Those of some files and links of a workenv whose bytes are not those of the package. The slots are unpacked into nothing:
 * no copy lies on the disk, and no file is read into memory whole. What setup commands made, what the application may
 * change (which can be anything now, such as a pipe that nobody writes to) and what may not be read is left out. Throws what unpacking throws.
 */
export async function compareFiles(
  pkg: Package,
  content: string,
  files: readonly IndexedFile[],
  progress?: Progress,
): Promise<readonly IndexedFile[]> {
  const damaged = new Set<IndexedFile>();
  const comparable = files.filter(
    ([, , time, mode, slot]) => slot !== NO_SLOT && time !== EXISTENCE_ONLY && !isDirectoryMode(mode),
  );
  const filesOf = Map.groupBy(comparable, ([, , , , index]) => index);
  const slots = pkg.slots.filter(({ entry }) => filesOf.has(entry.index));
  progress?.begin("comparing", () => contentSizeOf(slots));
  for (const slot of slots) {
    const own = filesOf.get(slot.entry.index) as readonly IndexedFile[];
    const wanted = new Map(own.map((file) => [file[0], file]));
    // Of several entries with one path the last one counts.
    const judge = (path: string, isSame: (file: IndexedFile) => boolean) => {
      const file = wanted.get(posix.normalize(path));
      if (file === undefined) return;
      if (isSame(file)) damaged.delete(file);
      else damaged.add(file);
    };
    await extractSlot(pkg.source, slot, comparer(content, judge), { onBytes: progress?.add });
  }
  progress?.end();
  return files.filter((file) => damaged.has(file));
}

type Judge = (path: string, isSame: (file: IndexedFile) => boolean) => void;

/** Takes what would be unpacked, and looks at what lies there in its stead. */
function comparer(content: string, judge: Judge): TreeWriter {
  const digests = new Map<string, Sha256>();
  const close = (path: string, digest: Sha256) => {
    digests.set(posix.normalize(path), digest);
    judge(path, ([name, , , mode]) => !isSymlinkMode(mode) && hasDigest(join(content, name), digest));
  };
  const open = (path: string) => {
    const hash = sha256Stream();
    let written = 0;
    return {
      write(piece: Parameters<typeof hash.update>[0]) {
        hash.update(piece);
        written += piece.length;
      },
      close() {
        close(path, hash.hex());
        return written;
      },
    };
  };
  return {
    directory: () => {},
    openFile: open,
    async file(path, _mode, _mtime, body) {
      const sink = open(path);
      for await (const piece of body) sink.write(piece);
      return sink.close();
    },
    symlink: (path, target) => judge(path, ([name]) => linkTarget(join(content, name)) === target),
    hardLinkAsCopy(path, existing) {
      const digest = digests.get(posix.normalize(existing));
      if (digest !== undefined) close(path, digest);
    },
    finish: () => {},
    [Symbol.dispose]: () => {},
  };
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

const CHUNK = 1024 * 1024;

/** What may not be read is believed; what cannot be, because the disk fails, is damaged. */
function hasDigest(path: string, digest: Sha256): boolean {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    return errnoOf(error) === "EACCES" || errnoOf(error) === "EPERM";
  }
  try {
    const hash = sha256Stream();
    const buffer = new Uint8Array(CHUNK);
    for (let read = readSync(fd, buffer); read > 0; read = readSync(fd, buffer))
      hash.update(buffer.subarray(0, read));
    return hash.hex() === digest;
  } catch {
    return false;
  } finally {
    closeSync(fd);
  }
}
