/** What statx(2) of Linux is told and tells: the same on every processor. */
export const AT_EMPTY_PATH = 0x1000;
/** Bytes of a `struct statx`. */
export const STATX_SIZE = 256;
/** Where its fields lie, in words of 4 bytes. Those of 8 bytes have their low half first; the mode is 2 bytes. */
export const STATX = {
  uid: 5,
  mode: 7,
  ino: 8,
  size: 10,
  born: 20,
  changed: 24,
  modified: 28,
  device: 34,
} as const;
/** Bytes of a path that is too long for every system (PATH_MAX): one that has to be cut is still too long. */
export const TOO_LONG = 4100;

export const modeIn = (facts: Uint32Array): number => (facts[STATX.mode] as number) & 0xffff;

/** A time in milliseconds since 1970, as `node:fs` has it. */
export function millisecondsIn(facts: Uint32Array, at: number): number {
  const seconds = (facts[at] as number) + ((facts[at + 1] as number) | 0) * 2 ** 32;
  return seconds * 1000 + (facts[at + 2] as number) / 1e6;
}
