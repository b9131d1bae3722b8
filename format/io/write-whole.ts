import { nodeFs } from "./quick-files.ts";

/**
 * Writes a text to stdout (1) or stderr (2), all of it, and waits until it is written. Not through Bun's own streams:
 * these make a pipe return at once instead of wait, for everybody who has it open and for good, and others then fail with
 * "Resource temporarily unavailable". Throws the system's error.
 */
export function writeWhole(stream: 1 | 2, text: string): void {
  if (process.platform === "win32") {
    (stream === 1 ? process.stdout : process.stderr).write(text);
    return;
  }
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += nodeFs().writeSync(stream, bytes, at);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "EAGAIN") throw error;
      // It was handed to us as one that does not wait, and is full.
      Bun.sleepSync(1);
    }
  }
}
