import { byLibc } from "./by-libc.ts";
import { dlopen, pointerTo } from "./libc.ts";
import { close, nodeFs, openToRead } from "./quick-files.ts";
import { TOO_LONG } from "./statx.ts";

// Where links lead, by the C library of Linux, as in quick-files.ts: only packages that start Bun ask.

/** What a link says; undefined where no link is. Throws as `lstatSync` does. */
export function linkText(path: string): string | undefined {
  const text = quick()?.(path);
  if (text !== undefined) return text;
  const { lstatSync, readlinkSync } = nodeFs();
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  return isLink ? readlinkSync(path) : undefined;
}

/**
 * The path of a file without any link in it. Undefined where the system does not tell; throws as `openSync` does. Linux
 * only.
 */
export function realPath(path: string): string | undefined {
  const fd = openToRead(path, O_PATH);
  try {
    return linkText(`/proc/self/fd/${fd}`);
  } finally {
    close(fd);
  }
}

/** Nothing is done to what is opened, not even to a pipe that somebody waits at. */
const O_PATH = 0o10000000;

const quick = byLibc((library) => {
  const { symbols } = dlopen(library, { readlink: { args: ["ptr", "ptr", "u64"], returns: "i32" } });
  // One memory for both, which stays where it is: addresses of it are handed over.
  const memory = new Uint8Array(TOO_LONG + 1 + TOO_LONG);
  const room = memory.subarray(0, TOO_LONG);
  const answer = memory.subarray(TOO_LONG + 1);
  const [pathAt, answerAt] = [pointerTo(memory), pointerTo(memory) + TOO_LONG + 1];
  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return (path: string): string | undefined => {
    if (path.includes("\0")) return undefined;
    memory[encoder.encodeInto(path, room).written] = 0;
    const length = symbols.readlink(pathAt as never, answerAt as never, TOO_LONG);
    return length < 0 ? undefined : decoder.decode(answer.subarray(0, length));
  };
});
