import { errnoOf, ioError } from "../format/io/fs.ts";
import { writeWhole } from "../format/io/write-whole.ts";

/** Takes away what stands on the terminal for a moment only. */
let makeWay: (() => void) | undefined;

/** From now on, this is called before anything is written. */
export function makeWayBy(clear: (() => void) | undefined): void {
  makeWay = clear;
}

/** Writes a text where the caller reads it, as `writeNow` does, when nothing is in its way. */
export function writeOut(stream: 1 | 2, text: string): void {
  makeWay?.();
  writeNow(stream, text);
}

/** Writes a text to the caller's stdout (1) or stderr (2). What cannot be written, because nobody reads there, is lost. */
export function writeNow(stream: 1 | 2, text: string): void {
  try {
    writeWhole(stream, text);
  } catch {
    // nobody could be told either
  }
}

/** Writes what was asked for to the caller's stdout. A reader that has seen enough is a normal end; else throws `io-failed`. */
export function writeAnswer(text: string): void {
  makeWay?.();
  try {
    writeWhole(1, text);
  } catch (error) {
    if (errnoOf(error) !== "EPIPE") throw ioError("write to", "stdout", error);
  }
}
