import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import type { Bytes } from "../../format/types.ts";

/** The file in which a fuzzing process says what it is about to try: it survives whatever becomes of the process. */
export interface Scratch extends Disposable {
  note(input: Bytes): void;
}

/** Number of the execution, then length of the input, as little-endian u32 each; then the input. */
const HEAD = 8;

export function openScratch(path: string, maxSize: number): Scratch {
  const fd = openSync(path, "w");
  const buffer = new Uint8Array(HEAD + maxSize);
  const view = new DataView(buffer.buffer);
  let count = 0;
  return {
    note(input) {
      const whole = input.length <= maxSize ? buffer : new Uint8Array(HEAD + input.length);
      whole.set(input, HEAD);
      const head = whole === buffer ? view : new DataView(whole.buffer);
      head.setUint32(0, ++count, true);
      head.setUint32(4, input.length, true);
      writeSync(fd, whole, 0, HEAD + input.length, 0);
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}

/** What is being tried, and its number; undefined before the first. */
export function readScratch(path: string): { readonly count: number; readonly input: Bytes } | undefined {
  let file: Bytes;
  try {
    file = new Uint8Array(readFileSync(path));
  } catch {
    return undefined;
  }
  if (file.length < HEAD) return undefined;
  const view = new DataView(file.buffer);
  return { count: view.getUint32(0, true), input: file.slice(HEAD, HEAD + view.getUint32(4, true)) };
}
