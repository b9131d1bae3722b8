import { type FileHandle, open } from "node:fs/promises";
import type { Bytes } from "../../format/types.ts";

const PIECE = 1024 * 1024;
/** While one piece is written, the next one is read. */
const AT_ONCE = 2;

/** A range of a file. */
export interface FileRange {
  readonly path: string;
  readonly offset: number;
  readonly size: number;
}

/**
 * Copies a range of a file into a new one that nobody else may read, by threads of the runtime, beside other work. Throws
 * where the file has less, or is in the way; once `given.up`, it soon ends without having copied all.
 */
export async function copyRange(
  { path, offset, size }: FileRange,
  to: string,
  given: { readonly up: boolean },
): Promise<void> {
  await using source = await open(path, "r");
  await using target = await open(to, "wx", 0o600);
  let begun = 0;
  const copyPieces = async () => {
    const memory: Bytes = new Uint8Array(Math.min(PIECE, size));
    while (begun < size && !given.up) {
      const at = begun;
      const piece = memory.subarray(0, Math.min(PIECE, size - at));
      begun += piece.length;
      await fill(source, piece, offset + at);
      await put(target, piece, at);
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: AT_ONCE }, copyPieces));
  const failed = lanes.find((lane) => lane.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

async function fill(source: FileHandle, piece: Bytes, at: number): Promise<void> {
  for (let done = 0; done < piece.length;) {
    const { bytesRead } = await source.read(piece, done, piece.length - done, at + done);
    if (bytesRead === 0) throw new Error("the file ends too early");
    done += bytesRead;
  }
}

async function put(target: FileHandle, piece: Bytes, at: number): Promise<void> {
  for (let done = 0; done < piece.length;)
    done += (await target.write(piece, done, piece.length - done, at + done)).bytesWritten;
}
