import { freshMemory } from "../io/fresh-memory.ts";
import { shortLived } from "../short-lived.ts";
import type { Bytes, ByteStream } from "../types.ts";
import { type ArchivePart, CUT_SIZES, type CutSizes, nextCut } from "./archive-part.ts";
import { encodeHeader, fitsHeader, type HeaderFacts } from "./encode-header.ts";
import { extendedHeader } from "./extended-header.ts";
import { type Contents, fileContents, readExactly, readWhole } from "./file-contents.ts";
import { BLOCK, END_SIZE } from "./header.ts";
import type { TreeEntry } from "./tree-entry.ts";

export interface WriteTarOptions {
  /** Whether entries keep the time that they come with; "zero", the default, is the same on every machine. */
  readonly mtimes?: "zero" | "keep";
  /** The body of a file entry; the file at `entry.absolute` by default. */
  readonly contents?: ((entry: TreeEntry) => Contents) | undefined;
  readonly sizes?: CutSizes;
}

/** More than any path has, which is all that makes an extended header long. */
const MOST_HEADERS = 1024 * 1024;

/**
 * A tar archive (ustar with pax headers where needed) of the entries in their order, without anything that depends on
 * the machine: no owners, modes of 0777 at most, times only on request. The same entries make the same bytes. Throws
 * `build-failed` if a body is not as long as its entry says.
 */
export async function* writeTar(entries: readonly TreeEntry[], options: WriteTarOptions = {}): ByteStream {
  for await (const { bytes } of writeParts(entries, { sizes: STREAMED, ...options })) yield bytes;
}

/** Nobody gives the memory of these back, so that it is little. */
const STREAMED: CutSizes = { part: 1024 * 1024, long: 1024 * 1024 };

/** The same archive in parts, cut where `cutArchive` would cut it. */
export async function* writeParts(
  entries: readonly TreeEntry[],
  options: WriteTarOptions = {},
): AsyncGenerator<ArchivePart, void, undefined> {
  yield* writeGroups(groupsOf(entries, options), options);
}

/** Entries that make one part of an archive, or one that makes several. */
export interface EntryGroup {
  readonly entries: readonly TreeEntry[];
  /** What their headers say. */
  readonly facts: readonly HeaderFacts[];
  /** It is one entry, for several parts. */
  readonly isLong: boolean;
  /** The archive ends behind it. */
  readonly isLast: boolean;
}

/** Which entries make which parts; nothing of them is read. */
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
  { part, long }: CutSizes,
) {
  let [start, length, isLong] = [0, 0, false];
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
      isLong ||= its.size > long;
    },
    close(end: number): EntryGroup {
      const isLast = end === entries.length;
      const group: EntryGroup = { entries: entries.slice(start, end), facts, isLong, isLast };
      [start, length, isLong, facts] = [end, 0, false, []];
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
  const take = memoryFor(sizes);
  const part = partInMemory(take);
  for await (const { entries, facts, isLong, isLast } of groups) {
    if (isLong) {
      yield* longEntry(entries[0] as TreeEntry, facts[0] as HeaderFacts, isLast, { take, contents, sizes });
      continue;
    }
    let at = part.addPlain(entries, facts, 0, contents);
    while (at < entries.length) {
      part.add(await extendedHeader(facts[at] as HeaderFacts), entries[at] as TreeEntry, contents);
      at = part.addPlain(entries, facts, at + 1, contents);
    }
    if (isLast) part.end();
    yield { ...part.close(), entries: facts };
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

/** Memory for one part at a time, with anything in it. */
type TakeMemory = () => { readonly memory: Bytes; readonly done: () => void };

/** Fresh memory costs as much as reading does: that of a part which is done is used again. */
function memoryFor({ part, long }: CutSizes): TakeMemory {
  const free: Bytes[] = [];
  return () => {
    // Not for several at once: the collector would come half as often.
    const memory = free.pop() ?? freshMemory(part + long + MOST_HEADERS);
    return { memory, done: () => void free.push(memory) };
  };
}

/** The part that is being made. */
function partInMemory(take: TakeMemory) {
  const block = new Uint8Array(BLOCK);
  let room: ReturnType<TakeMemory> | undefined;
  let memory: Bytes = new Uint8Array();
  let length = 0;
  const open = (): void => {
    room ??= take();
    memory = room.memory;
  };
  const put = (bytes: Bytes): void => {
    memory.set(bytes, length);
    length += bytes.length;
  };
  return shortLived({
    /** Adds entries with plain headers, from one on up to one that has another; returns where that is. */
    addPlain(
      entries: readonly TreeEntry[],
      facts: readonly HeaderFacts[],
      from: number,
      contentsOf: WriteTarOptions["contents"],
    ): number {
      for (let at = from; at < entries.length; at++) {
        if (!encodeHeader(facts[at] as HeaderFacts, block)) return at;
        this.add(block, entries[at] as TreeEntry, contentsOf);
      }
      return entries.length;
    },
    add(header: Bytes, entry: TreeEntry, contentsOf: WriteTarOptions["contents"]): void {
      open();
      put(header);
      if (entry.kind !== "file") return;
      if (contentsOf === undefined) readWhole(entry, memory, length);
      else {
        using contents = contentsOf(entry);
        readExactly(contents, memory.subarray(length), entry.size, entry, true);
      }
      const end = length + paddedSize(entry.size);
      memory.fill(0, length + entry.size, end);
      length = end;
    },
    end(): void {
      open();
      memory.fill(0, length, length + END_SIZE);
      length += END_SIZE;
    },
    close() {
      const { done } = room as ReturnType<TakeMemory>;
      const bytes = memory.subarray(0, length);
      [room, length] = [undefined, 0];
      return { bytes, done };
    },
  });
}

shortLived({ factsOf, paddedSize });

/** One long entry, in parts of which only the first has a header. */
async function* longEntry(
  entry: TreeEntry,
  facts: HeaderFacts,
  isLast: boolean,
  {
    take,
    contents: open = fileContents,
    sizes,
  }: { readonly take: TakeMemory; readonly sizes: CutSizes } & Pick<WriteTarOptions, "contents">,
): AsyncGenerator<ArchivePart, void, undefined> {
  const header = await headerOf(facts);
  const bodyEnd = header.length + entry.size;
  const end = header.length + paddedSize(entry.size) + (isLast ? END_SIZE : 0);
  using contents = open(entry);
  for (let from = 0; from < end;) {
    const to = Math.min(nextCut(from, sizes), end);
    const { memory, done } = take();
    if (from === 0) memory.set(header);
    const start = Math.max(from, header.length);
    const count = Math.min(to, bodyEnd) - start;
    if (count > 0)
      readExactly(contents, memory.subarray(start - from), count, entry, start + count === bodyEnd);
    memory.fill(0, Math.max(bodyEnd - from, 0), to - from);
    yield { bytes: memory.subarray(0, to - from), entries: from === 0 ? [facts] : [], done };
    from = to;
  }
}
