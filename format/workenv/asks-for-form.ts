import { closeSync, openSync, readdirSync, readSync, rmSync } from "node:fs";
import { extname, join } from "node:path";
import type { WorkenvLayout } from "../cache/layout.ts";
import { replaceFile } from "../io/replacement.ts";
import { bunRuntimeOf, SCRIPTS } from "./bun-link.ts";

/**
 * The one thing by which a script can tell the launcher's own process from Bun started for it: `Bun.isStandaloneExecutable`
 * is true there, and nobody can change it.
 */
const WORD = Buffer.from("isStandaloneExecutable");

/** Notes beside the files of Bun whether none of a workenv's scripts names that. Without the note, it is not known. */
export function noteWhetherAsked({ content, bun }: WorkenvLayout): void {
  const { unasked } = bunRuntimeOf(bun);
  rmSync(unasked, { force: true });
  if (!isAskedBelow(content)) replaceFile(unasked, "");
}

/** What cannot be read might ask. */
function isAskedBelow(folder: string): boolean {
  try {
    return readdirSync(folder, { withFileTypes: true }).some((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return isAskedBelow(path);
      return entry.isFile() && SCRIPTS.includes(extname(entry.name)) && isAskedIn(path);
    });
  } catch {
    return true;
  }
}

const piece = Buffer.allocUnsafe(256 * 1024);

/** Piece by piece, each with the end of the one before. */
function isAskedIn(path: string): boolean {
  const fd = openSync(path, "r");
  try {
    for (let kept = 0; ;) {
      const read = readSync(fd, piece, kept, piece.length - kept, null);
      if (read === 0) return false;
      if (piece.subarray(0, kept + read).includes(WORD)) return true;
      const rest = Math.min(kept + read, WORD.length - 1);
      piece.copyWithin(0, kept + read - rest, kept + read);
      kept = rest;
    }
  } finally {
    closeSync(fd);
  }
}
