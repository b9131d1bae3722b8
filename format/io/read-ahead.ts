import type { Bytes, ByteStream } from "../types.ts";
import type { ByteSource } from "./byte-source.ts";

/** Two threads read what comes next while one piece is used. */
const AT_A_TIME = 3;

/**
 * Pieces of these sizes, one behind the other from `at` on. The next ones are being read while one is used; each lies in
 * the memory of an earlier one, so it must be used up before the next is asked for.
 */
export async function* readAhead(source: ByteSource, at: number, sizes: readonly number[]): ByteStream {
  const most = sizes.reduce((max, size) => Math.max(max, size), 0);
  const memory: readonly Bytes[] = sizes.slice(0, AT_A_TIME).map(() => new Uint8Array(most));
  const begun: Promise<Bytes>[] = [];
  let offset = at;
  const begin = (i: number): void => {
    const size = sizes[i];
    if (size === undefined) return;
    const piece = source.read(offset, size, memory[i % AT_A_TIME]?.subarray(0, size));
    piece.catch(() => {}); // it is asked for later
    begun.push(piece);
    offset += size;
  };
  try {
    for (const i of memory.keys()) begin(i);
    for (const i of sizes.keys()) {
      yield await (begun.shift() as Promise<Bytes>);
      begin(i + AT_A_TIME);
    }
  } finally {
    // Whoever gives up may close the file.
    await Promise.allSettled(begun);
  }
}
