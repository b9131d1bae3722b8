import { writeSync } from "node:fs";

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

/**
 * Writes a text to the caller's stdout (1) or stderr (2), all of it. Not through Bun's own streams: these make pipes
 * return at once instead of wait, for everybody who has them open, and the application is one of them. What cannot be
 * written, because nobody reads there any more, is lost.
 */
export function writeNow(stream: 1 | 2, text: string): void {
  if (process.platform === "win32") {
    (stream === 1 ? process.stdout : process.stderr).write(text);
    return;
  }
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(stream, bytes, at);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "EAGAIN") return;
      // The caller's own pipe is of that kind, and full.
      Bun.sleepSync(1);
    }
  }
}
