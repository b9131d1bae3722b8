import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Sizes of the files of the real tree at every twentieth of them, in bytes: half are smaller than 3 kB, and the last
 * hundredth has two thirds of all bytes.
 */
const TWENTIETHS = [
  0, 44, 150, 338, 592, 827, 1059, 1226, 1490, 1956, 2511, 3324, 4634, 6160, 7867, 10_197, 14_375, 19_733,
  29_039, 55_289,
];
/** The same for the last twentieth: where a share of it lies, and the size there. */
const LARGEST = [
  [0, 55_289],
  [0.5, 95_395],
  [0.8, 207_304],
  [0.9, 448_228],
  [0.96, 2_154_752],
  [0.995, 5_000_000],
  [1, 25_000_000],
] as const;

/** The size of a file that has `share` of all files below it in a tree like the real one; 0 to 1, bytes. */
export function sizeAt(share: number): number {
  const place = share * 20;
  const i = Math.min(19, Math.floor(place));
  const [below, above] = [TWENTIETHS[i], TWENTIETHS[i + 1]];
  if (below !== undefined && above !== undefined) return Math.round(below + (above - below) * (place - i));
  const rest = place - 19;
  const next = Math.max(
    1,
    LARGEST.findIndex(([from]) => from >= rest),
  );
  const [[from, small], [to, large]] = [LARGEST[next - 1] ?? LARGEST[0], LARGEST[next] ?? LARGEST[1]];
  // between two sizes that lie far apart, by their logarithms
  return Math.round(small * (large / small) ** ((rest - from) / (to - from)));
}

/** Writes `files` files of about `bytes` bytes together below `dir`, as many small and large ones as a real tree has. */
export function writeTree(dir: string, files: number, bytes: number): void {
  const sizes = Array.from({ length: files }, (_, i) => sizeAt((i + 0.5) / files));
  const scale = bytes / sizes.reduce((sum, size) => sum + size, 0);
  for (const [i, size] of sizes.entries()) {
    // neighbours in size lie far apart in the tree, as in a real one
    const place = (i * 7919) % files;
    writeInto(
      join(dir, `d${place % 97}`, `e${place % 11}`, `f${place}`),
      someOf(Math.round(size * scale), i),
    );
  }
}

/** Writes `files` files of equal size, `bytes` together, into folders of `dir`. */
export function writeEqual(dir: string, files: number, bytes: number, seed = 0): void {
  const size = Math.floor(bytes / files);
  for (let i = 0; i < files; i++) writeInto(join(dir, `d${i % 40}`, `f${i}`), someOf(size, i + seed));
}

function writeInto(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

const BLOCK = 16 * 2 ** 20;
let block: Uint8Array | undefined;

/**
 * Bytes that shrink to about a quarter, as programs and their libraries do; the same for the same seed. They repeat after
 * 16 MiB, which is farther than level 3 of zstd looks back.
 */
export function someOf(size: number, seed: number): Uint8Array {
  block ??= makeBlock();
  const start = Math.imul(seed, 2654435761) >>> 8;
  if (size <= BLOCK - (start % BLOCK)) return block.subarray(start % BLOCK, (start % BLOCK) + size);
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const piece = block.subarray((start + at) % BLOCK, Math.min(BLOCK, ((start + at) % BLOCK) + size - at));
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Words, every other one followed by something that stood there a little earlier. */
function makeBlock(): Uint8Array {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state >> 8;
  };
  const words = Array.from({ length: 4000 }, () => new TextEncoder().encode(`${random().toString(36)} `));
  const bytes = new Uint8Array(BLOCK);
  for (let at = 0; at < BLOCK;) {
    const word = words[random() % 4000] as Uint8Array;
    bytes.set(word.subarray(0, BLOCK - at), at);
    at += word.length;
    if (at < 70_000 || random() % 2 === 0) continue;
    const from = at - 40 - (random() % 60_000);
    const length = Math.min(8 + (random() % 32), BLOCK - at);
    bytes.copyWithin(at, from, from + length);
    at += length;
  }
  return bytes;
}

/** Random letters, which shrink to six tenths; no two stretches are the same. */
export function letters(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  for (let i = 0; i < size; i++) bytes[i] = 97 + ((bytes[i] as number) % 24);
  return bytes;
}
