import type { Bytes } from "../types.ts";
import { shortLived } from "../short-lived.ts";
import { byLibc } from "./by-libc.ts";
import { dlopen, pointerTo } from "./libc.ts";
import { TOO_LONG } from "./statx.ts";

/**
 * Puts what is in a file into memory, from `at` on: at most so many bytes. `flags` of open(2) say how it is opened. The
 * number of bytes that one read(2) gave, or -1 where the C library of Linux cannot be called, or refuses it: `node:fs` is to
 * be asked then, so that errors are its own. For 13 000 files it takes 10 ms of processor time more.
 */
export const readQuickly = (path: string, flags: number, into: Bytes, at: number, most: number): number =>
  quick()?.(path, flags, into, at, most) ?? -1;

const O_CLOEXEC = 0o2000000;

const functionsOf = (name: string) =>
  dlopen(name, {
    open: { args: ["ptr", "i32"], returns: "i32" },
    read: { args: ["i32", "ptr", "u64"], returns: "i32" },
    close: { args: ["i32"], returns: "i32" },
  }).symbols;

const quick = byLibc((library) => reader(functionsOf(library)));

const { utf8Write } = Buffer.prototype as unknown as {
  utf8Write(this: Uint8Array, text: string, at: number, length: number): number;
};

function reader({ open, read, close }: ReturnType<typeof functionsOf>) {
  const text = new Uint8Array(new ArrayBuffer(TOO_LONG + 1));
  const textAt = pointerTo(text) as never;
  return shortLived((path: string, flags: number, into: Bytes, at: number, most: number): number => {
    if (at < 0 || most < 0 || at + most > into.length) throw new RangeError("that is not in the memory");
    if (path.includes("\0")) return -1;
    // One that has to be cut is still too long.
    text[utf8Write.call(text, path, 0, TOO_LONG)] = 0;
    const fd = open(textAt, flags | O_CLOEXEC);
    if (fd < 0) return -1;
    const count = read(fd, (pointerTo(into) + at) as never, most);
    close(fd);
    return count;
  });
}
