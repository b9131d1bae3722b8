import { loadLibc } from "./libc.ts";
import { close, nodeFs, openToRead, readText } from "./quick-files.ts";

/**
 * Brings a tree that was just written onto its disk, all at once: one `syncfs` costs what a few `fsync` do. False where
 * that cannot be asked for; then a file that vouches for the tree must not be synced either, or a power cut leaves it
 * alone with files of length 0.
 */
export function syncTree(root: string): boolean {
  const libc = loadLibc();
  if (libc === undefined) return false;
  const fd = openToRead(root);
  try {
    return libc.syncfs(fd);
  } finally {
    close(fd);
  }
}

/** Brings a file onto its disk, if it is there and may be opened for that. */
export function syncFile(path: string): void {
  try {
    const fd = nodeFs().openSync(path, process.platform === "win32" ? "r+" : "r");
    try {
      nodeFs().fsyncSync(fd);
    } finally {
      close(fd);
    }
  } catch {
    // It has gone, or its mode forbids it: then it is as safe as its user has made it.
  }
}

/** Brings the names in a folder onto its disk. */
export function syncFolder(path: string): void {
  const fd = openToRead(path);
  try {
    nodeFs().fsyncSync(fd);
  } finally {
    close(fd);
  }
}

/** A name for the time since the system was started; undefined where the system does not tell. */
export function bootId(): string | undefined {
  try {
    return readText("/proc/sys/kernel/random/boot_id").trim();
  } catch {
    return undefined;
  }
}
