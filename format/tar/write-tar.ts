import { type Pack, pack } from "tar-stream";
import { PspfError } from "../errors.ts";
import type { Bytes, ByteStream } from "../types.ts";
import { fileContents } from "./file-contents.ts";
import type { TreeEntry } from "./tree-entry.ts";

export interface WriteTarOptions {
  /** Whether entries keep the time that they come with; "zero", the default, is the same on every machine. */
  readonly mtimes?: "zero" | "keep";
  /** The body of a file entry, exactly `entry.size` bytes; the file at `entry.absolute` by default. */
  readonly contents?: (entry: TreeEntry) => ByteStream;
}

type Header = Parameters<Pack["entry"]>[0];
type Sink = ReturnType<Pack["entry"]>;

/** The header's time field is 32 bits wide in tar-stream; what does not fit goes into an extended header. */
const MAX_HEADER_TIME = 2 ** 31 - 1;

/**
 * A tar archive (ustar with pax headers where needed) of the entries in their order, without anything that depends on
 * the machine: no owners, modes of 0777 at most, times only on request. The same entries make the same bytes. Throws
 * `build-failed` if a body is not as long as its entry says.
 */
export async function* writeTar(
  entries: Iterable<TreeEntry> | AsyncIterable<TreeEntry>,
  options: WriteTarOptions = {},
): ByteStream {
  const archive = pack();
  fill(archive, entries, options).then(
    () => archive.finalize(),
    (error: Error) => archive.destroy(error), // which the loop then throws
  );
  for await (const piece of archive) yield piece as Bytes;
}

async function fill(
  archive: Pack,
  entries: Iterable<TreeEntry> | AsyncIterable<TreeEntry>,
  options: WriteTarOptions,
): Promise<void> {
  const contents = options.contents ?? fileContents;
  for await (const entry of entries) {
    const header = headerOf(entry, options.mtimes === "keep" ? entry.mtime : 0);
    const done = Promise.withResolvers<void>();
    const sink = archive.entry(header, (error) => (error ? done.reject(error) : done.resolve()));
    // the same error reaches the callback; without a listener it would end the process
    sink.on("error", () => {});
    if (entry.kind === "file")
      await Promise.race([done.promise, feed(sink, entry, contents(entry), done.promise)]);
    await done.promise;
  }
}

/** Writes a body, no faster than it is taken. `done` fails if the archive is given up meanwhile. */
async function feed(sink: Sink, entry: TreeEntry, body: ByteStream, done: Promise<void>): Promise<void> {
  let left = entry.size;
  for await (const piece of body) {
    left -= piece.length;
    if (left < 0) throw wrongSize(entry, "more");
    if (!sink.write(piece)) await Promise.race([done, drained(sink)]);
  }
  if (left > 0) throw wrongSize(entry, "fewer");
  sink.end(null);
}

const drained = (sink: Sink) => new Promise<void>((resume) => sink.once("drain", () => resume()));

function headerOf(entry: TreeEntry, mtime: number): Header {
  const name = entry.kind === "directory" ? `${entry.path}/` : entry.path;
  const seconds = Math.max(0, Math.min(mtime, MAX_HEADER_TIME));
  return {
    name,
    type: entry.kind,
    // tar-stream takes 0 for "not given" and keeps 07777 of what it is given
    mode: entry.mode & 0o777 || 0o10000,
    size: entry.kind === "file" ? entry.size : 0,
    mtime: new Date(seconds * 1000),
    uid: 0,
    gid: 0,
    ...(entry.linkName === undefined ? {} : { linkname: entry.linkName }),
    ...(seconds === mtime ? {} : { pax: { mtime: String(mtime) } }),
  };
}

const wrongSize = (entry: TreeEntry, amount: "more" | "fewer") =>
  new PspfError(
    "build-failed",
    `Cannot pack ${entry.absolute}: got ${amount} bytes than the listed ${entry.size}`,
    {
      hint: "stop whatever writes to it, then pack again",
    },
  );
