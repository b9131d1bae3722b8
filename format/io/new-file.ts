import { closeSync, fchmodSync, fstatSync, futimesSync, type Stats, writeSync } from "node:fs";
import type { Bytes } from "../types.ts";
import { shortLived } from "../short-lived.ts";
import { ioError } from "./fs.ts";

/** What a file is to have when it is complete: permission bits, seconds since 1970 or 0 for the time of its writing. */
export interface NewFileFacts {
  readonly mode: number;
  readonly mtime: number;
}

const hasModes = process.platform !== "win32";

const FIRST_DATE = -8.64e15;

/** Seconds since 1970 as `node:fs` understands them: a number below zero is the time of now there. */
export const timeOf = (seconds: number): number | Date =>
  seconds < 0 ? new Date(Math.max(seconds * 1000, FIRST_DATE)) : seconds;

/** A file that was just made and is being written. A class, because there are tens of thousands of them. */
export class NewFile {
  readonly path: string;
  readonly facts: NewFileFacts;
  /** Bytes from its beginning on. */
  written = 0;
  readonly fd: number;
  readonly #whenComplete: (file: NewFile, stats: Stats) => void;

  constructor(
    path: string,
    fd: number,
    facts: NewFileFacts,
    whenComplete: (file: NewFile, stats: Stats) => void,
  ) {
    this.path = path;
    this.fd = fd;
    this.facts = facts;
    this.#whenComplete = whenComplete;
  }

  write(piece: Bytes): void {
    try {
      for (let at = 0; at < piece.length;) at += writeSync(this.fd, piece, at, piece.length - at);
    } catch (error) {
      throw ioError("write", this.path, error);
    }
    this.written += piece.length;
  }

  /** Gives the file its mode, whatever the umask left of it when it was made, and its time. */
  close(): number {
    const { fd, facts } = this;
    try {
      let stats = fstatSync(fd);
      const needsMode = hasModes && (stats.mode & 0o7777) !== facts.mode;
      if (needsMode) fchmodSync(fd, facts.mode);
      if (facts.mtime !== 0) futimesSync(fd, timeOf(facts.mtime), timeOf(facts.mtime));
      if (needsMode || facts.mtime !== 0) stats = fstatSync(fd);
      try {
        this.#whenComplete(this, stats);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      throw ioError("complete", this.path, error);
    }
    return this.written;
  }
}

for (const method of ["write", "close"] as const) shortLived(NewFile.prototype[method]);
