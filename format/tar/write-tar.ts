import { freshMemory } from "../io/fresh-memory.ts";
import { shortLived } from "../short-lived.ts";
import type { Bytes, ByteStream } from "../types.ts";
import { type ArchivePart, CUT_SIZES, type CutSizes } from "./archive-part.ts";
import { encodeHeader, fitsHeader, type HeaderFacts } from "./encode-header.ts";
import { extendedHeader } from "./extended-header.ts";
import { type Contents, fileContents, readExactly, readWhole } from "./file-contents.ts";
import { BLOCK } from "./header.ts";
import type { TreeEntry } from "./tree-entry.ts";

export interface WriteTarOptions {
  /** Whether entries keep the time that they come with; "zero", the default, is the same on every machine. */
  readonly mtimes?: "zero" | "keep";
  /** The body of a file entry; the file at `entry.absolute` by default. */
  readonly contents?: ((entry: TreeEntry) => Contents) | undefined;
  readonly sizes?: CutSizes;
}

const CHUNK = 1024 * 1024;
/** Two blocks of zeros. */
const END_SIZE = 2 * BLOCK;
/** More than any path has, which is all that makes an extended header long. */
const MOST_HEADERS = 1024 * 1024;

/**
 * A tar archive (ustar with pax headers where needed) of the entries in their order, without anything that depends on
 * the machine: no owners, modes of 0777 at most, times only on request. The same entries make the same bytes. Throws
 * `build-failed` if a body is not as long as its entry says.
 */
export async function* writeTar(entries: readonly TreeEntry[], options: WriteTarOptions = {}): ByteStream {
  for await (const part of writeParts(entries, options))
    if (part.kind === "whole") yield part.bytes;
    else yield* part.pieces;
}

/** The same archive in parts, cut where `cutArchive` would cut it. */
export async function* writeParts(
  entries: readonly TreeEntry[],
  options: WriteTarOptions = {},
): AsyncGenerator<ArchivePart, void, undefined> {
  yield* writeGroups(groupsOf(entries, options), options);
}

/** Entries that make one part of an archive. */
export interface EntryGroup {
  readonly entries: readonly TreeEntry[];
  /** What their headers say. */
  readonly facts: readonly HeaderFacts[];
  readonly kind: ArchivePart["kind"];
  /** The archive ends behind it. */
  readonly isLast: boolean;
}

/** Which entries make which part; nothing of them is read. */
export const groupEntries = (
  entries: readonly TreeEntry[],
  options: WriteTarOptions = {},
): Promise<readonly EntryGroup[]> => Array.fromAsync(groupsOf(entries, options));

async function* groupsOf(
  entries: readonly TreeEntry[],
  { mtimes, sizes = CUT_SIZES }: WriteTarOptions,
): AsyncGenerator<EntryGroup, void, undefined> {
  const group = openGroup(entries, mtimes, sizes);
  let at = group.addPlain(0);
  while (at < entries.length) {
    const facts = factsOf(entries[at] as TreeEntry, mtimes);
    if (group.endsBefore(facts)) yield group.close(at);
    else {
      group.add(facts, (await extendedHeader(facts)).length);
      at++;
    }
    at = group.addPlain(at);
  }
  yield group.close(at);
}

/** The group that is being made. What is done for each of thousands of entries waits for nothing. */
function openGroup(
  entries: readonly TreeEntry[],
  mtimes: WriteTarOptions["mtimes"],
  { part, long, held }: CutSizes,
) {
  let [start, length, isHeld] = [0, 0, true];
  let facts: HeaderFacts[] = [];
  return shortLived({
    /** Adds entries with plain headers, up to one that has another or belongs to the next group; returns where that is. */
    addPlain(from: number): number {
      for (let at = from; at < entries.length; at++) {
        const its = factsOf(entries[at] as TreeEntry, mtimes);
        if (this.endsBefore(its) || !fitsHeader(its)) return at;
        this.add(its, BLOCK);
      }
      return entries.length;
    },
    endsBefore: ({ size }: HeaderFacts): boolean => length > 0 && (size > long || length >= part),
    add(its: HeaderFacts, header: number): void {
      facts.push(its);
      length += header + paddedSize(its.size);
      isHeld &&= its.size <= held;
    },
    close(end: number): EntryGroup {
      const isLast = end === entries.length;
      const kind = isHeld ? "whole" : "stream";
      const group: EntryGroup = { entries: entries.slice(start, end), facts, kind, isLast };
      [start, length, isHeld, facts] = [end, 0, true, []];
      return group;
    },
  });
}

/**
 * The parts of groups. Files are read one after the other into memory that is used again once a part is done: a task for
 * each of thousands of small files would cost more than reading them.
 */
export async function* writeGroups(
  groups: Iterable<EntryGroup> | AsyncIterable<EntryGroup>,
  { contents, sizes = CUT_SIZES }: WriteTarOptions = {},
): AsyncGenerator<ArchivePart, void, undefined> {
  const part = partInMemory(sizes);
  for await (const { entries, facts, kind, isLast } of groups) {
    if (kind === "stream") {
      for (const [i, entry] of entries.entries()) {
        const header = await headerOf(facts[i] as HeaderFacts);
        yield { kind, pieces: longEntry(header, entry, contents, isLast), size: entry.size };
      }
      continue;
    }
    let at = part.addPlain(entries, facts, 0, contents);
    while (at < entries.length) {
      part.add(await extendedHeader(facts[at] as HeaderFacts), entries[at] as TreeEntry, contents);
      at = part.addPlain(entries, facts, at + 1, contents);
    }
    if (isLast) part.end();
    yield { ...part.close(), isLast, entries: facts };
  }
}

async function headerOf(facts: HeaderFacts): Promise<Bytes> {
  const block = new Uint8Array(BLOCK);
  return encodeHeader(facts, block) ? block : await extendedHeader(facts);
}

function factsOf(
  { path, kind, mode, size, mtime, linkName = "" }: TreeEntry,
  mtimes: WriteTarOptions["mtimes"],
): HeaderFacts {
  return {
    name: kind === "directory" ? `${path}/` : path,
    kind,
    mode: mode & 0o777,
    size: kind === "file" ? size : 0,
    mtime: mtimes === "keep" ? mtime : 0,
    linkName,
  };
}

const paddedSize = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

/** The part that is being made. Fresh memory costs as much as reading does: that of a part which is done is used again. */
function partInMemory({ part, long }: CutSizes) {
  const usual = part + long + MOST_HEADERS;
  const free: Bytes[] = [];
  const block = new Uint8Array(BLOCK);
  let memory: Bytes = new Uint8Array();
  let length = 0;
  const put = (bytes: Bytes): void => {
    memory.set(bytes, length);
    length += bytes.length;
  };
  // Not for several at once: the collector would come half as often, and leave 50 MB of what long files passed through.
  function take(): Bytes {
    return free.pop() ?? freshMemory(usual);
  }
  return shortLived({
    /** Adds entries with plain headers, from one on up to one that has another; returns where that is. */
    addPlain(
      entries: readonly TreeEntry[],
      facts: readonly HeaderFacts[],
      from: number,
      open: WriteTarOptions["contents"],
    ): number {
      for (let at = from; at < entries.length; at++) {
        if (!encodeHeader(facts[at] as HeaderFacts, block)) return at;
        this.add(block, entries[at] as TreeEntry, open);
      }
      return entries.length;
    },
    add(header: Bytes, entry: TreeEntry, open: WriteTarOptions["contents"]): void {
      if (length === 0) memory = entry.size > long ? freshMemory(entry.size + MOST_HEADERS) : take();
      put(header);
      if (entry.kind !== "file") return;
      if (open === undefined) readWhole(entry, memory, length);
      else {
        using contents = open(entry);
        readExactly(contents, memory.subarray(length), entry.size, entry, true);
      }
      const end = length + paddedSize(entry.size);
      memory.fill(0, length + entry.size, end);
      length = end;
    },
    end(): void {
      if (length === 0) memory = take();
      memory.fill(0, length, length + END_SIZE);
      length += END_SIZE;
    },
    close() {
      const used = memory;
      const bytes = used.subarray(0, length);
      length = 0;
      const done = () => void (used.length === usual ? free.push(used) : used.buffer.transfer(0));
      return { kind: "whole", bytes, done } as const;
    },
  });
}

shortLived({ factsOf, paddedSize });

async function* longEntry(
  header: Bytes,
  entry: TreeEntry,
  open: WriteTarOptions["contents"] = fileContents,
  isLast: boolean,
): ByteStream {
  yield header;
  using contents = open(entry);
  for (let done = 0; done < entry.size; done += CHUNK) {
    const length = Math.min(CHUNK, entry.size - done);
    const piece = new Uint8Array(length + 1);
    readExactly(contents, piece, length, entry, done + length === entry.size);
    yield piece.subarray(0, length);
  }
  const zeros = paddedSize(entry.size) - entry.size + (isLast ? END_SIZE : 0);
  if (zeros > 0) yield new Uint8Array(zeros);
}
