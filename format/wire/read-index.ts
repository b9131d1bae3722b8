import { PspfError } from "../errors.ts";
import type { ByteSource } from "../io/byte-source.ts";
import { TRAILER_END, TRAILER_SIZE } from "../spec.ts";
import type { Bytes } from "../types.ts";
import { unframeIndex } from "./trailer.ts";

/** Reads the index block from the end of a file; `not-a-package` when there is none. */
export async function readIndexBlock(source: ByteSource): Promise<Bytes> {
  if (source.size < TRAILER_SIZE) throw notAPackage(source, `it has only ${source.size} bytes`);
  const block = unframeIndex(await source.read(source.size - TRAILER_SIZE, TRAILER_SIZE));
  if (block !== undefined) return block;
  const appended = await findAppended(source);
  throw notAPackage(
    source,
    appended === undefined
      ? "it does not end with a PSPF trailer"
      : `${appended} bytes follow its PSPF trailer`,
  );
}

const SEARCH_LIMIT = 1024 * 1024;

/** How many bytes were put after a trailer, if one lies within the last MiB: a better message than "no package". */
async function findAppended(source: ByteSource): Promise<number | undefined> {
  const length = Math.min(source.size, SEARCH_LIMIT + TRAILER_SIZE);
  const tail = await source.read(source.size - length, length);
  const text = Buffer.from(tail.buffer, tail.byteOffset, tail.length); // the same bytes, searchable
  const end = Buffer.from(TRAILER_END);
  for (let at = text.lastIndexOf(end); at !== -1; at = at === 0 ? -1 : text.lastIndexOf(end, at - 1)) {
    const stop = at + end.length;
    const start = stop - TRAILER_SIZE;
    if (start < 0) return undefined;
    if (unframeIndex(tail.subarray(start, stop)) !== undefined) return tail.length - stop;
  }
  return undefined;
}

const notAPackage = (source: ByteSource, state: string) =>
  new PspfError("not-a-package", `Cannot read ${source.name} as a package: ${state}`, {
    hint: "was the download complete? nothing may be cut off or appended",
  });
