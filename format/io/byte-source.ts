import { closeSync, constants, fstatSync, openSync, read, readSync } from "node:fs";
import { PspfError } from "../errors.ts";
import type { Bytes, ByteStream } from "../types.ts";
import { doing, doingAsync } from "./fs.ts";

/** Random access to bytes: all that a reader needs to know about files. */
export interface ByteSource {
  /** What messages call it: a path, usually. */
  readonly name: string;
  readonly size: number;
  /** The open file behind it, if there is one: other threads of this process may read it, too. */
  readonly fd?: number;
  /**
   * Exactly `length` bytes from `at`; throws `io-failed` when there are fewer. They may lie in `into`, which must be that
   * long: fresh memory costs as much as reading does.
   */
  read(at: number, length: number, into?: Bytes): Promise<Bytes>;
}

/** A source that is an open file. */
export type FileSource = ByteSource & { readonly fd: number };

/** Nobody may ever write into a fifo, and no signal of ours ends who waits for that; Windows has none. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** A file as a source, open until its scope ends. Reads are synchronous underneath: a `pread` needs no thread. */
export function openFileSource(path: string): FileSource & Disposable {
  const fd = doing("open", path, () => openSync(path, FLAGS));
  let size: number;
  try {
    size = doing("measure", path, () => sizeOf(fd));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { ...fileSource(fd, path, size), [Symbol.dispose]: () => closeSync(fd) };
}

/** A file that somebody else has open, and keeps open. */
export const fileSource = (fd: number, path: string, size: number): FileSource => ({
  name: path,
  size,
  fd,
  read: async (at, length, into) => {
    checkRange(path, size, at, length);
    const buffer = into?.subarray(0, length) ?? new Uint8Array(length);
    for (let done = 0; done < length;) {
      const count = doing("read", path, () => readSync(fd, buffer, done, length - done, at + done));
      if (count === 0) throw tooShort(path, at, length);
      done += count;
    }
    return buffer;
  },
});

/** The same file, read by threads of the runtime: for who has other work meanwhile, when those threads have none. */
export const threadedSource = (source: FileSource): ByteSource => ({
  ...source,
  async read(at, length, into) {
    const { fd, name, size } = source;
    checkRange(name, size, at, length);
    const buffer = into?.subarray(0, length) ?? new Uint8Array(length);
    for (let done = 0; done < length;) {
      const count = await doingAsync("read", name, () => readByThread(fd, buffer.subarray(done), at + done));
      if (count === 0) throw tooShort(name, at, length);
      done += count;
    }
    return buffer;
  },
});

const readByThread = (fd: number, into: Bytes, at: number): Promise<number> =>
  new Promise((resolve, reject) => {
    read(fd, into, 0, into.length, at, (error, count) => (error === null ? resolve(count) : reject(error)));
  });

function sizeOf(fd: number): number {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw new Error("it is not a regular file");
  return stat.size;
}

export const memorySource = (bytes: Bytes, name = "memory"): ByteSource => ({
  name,
  size: bytes.length,
  read: async (at, length) => {
    checkRange(name, bytes.length, at, length);
    return bytes.slice(at, at + length);
  },
});

/** The same source, that tells of every byte that is read from it here. */
export const countedSource = (source: ByteSource, onBytes?: (count: number) => void): ByteSource =>
  onBytes === undefined
    ? source
    : {
        ...source,
        async read(at, length, into) {
          const bytes = await source.read(at, length, into);
          onBytes(length);
          return bytes;
        },
      };

const CHUNK = 1024 * 1024;

/** "passing" pieces are for who has used one up before asking for the next one: they may lie in the same memory. */
export type Pieces = "lasting" | "passing";

/** The bytes of a range in pieces of at most 1 MiB. */
export async function* streamRange(
  source: ByteSource,
  at: number,
  length: number,
  pieces: Pieces = "lasting",
): ByteStream {
  const memory = pieces === "passing" ? new Uint8Array(Math.min(CHUNK, length)) : undefined;
  for (let done = 0; done < length; done += CHUNK)
    yield await source.read(at + done, Math.min(CHUNK, length - done), memory);
}

function checkRange(name: string, size: number, at: number, length: number): void {
  if (
    !Number.isSafeInteger(at) ||
    !Number.isSafeInteger(length) ||
    at < 0 ||
    length < 0 ||
    at + length > size
  )
    throw tooShort(name, at, length);
}

const tooShort = (name: string, at: number, length: number) =>
  new PspfError("io-failed", `Cannot read ${name}: it ends before ${length} bytes at offset ${at}`);
