import { posix } from "node:path";
import { openSyncDecoder } from "../../codecs/zstd-sync.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { type NewFiles, openNewFiles } from "../../io/quick-new-files.ts";
import { ODD_STEP } from "../../io/paths.ts";
import type { NewFile } from "../../io/new-file.ts";
import type { TreeOnDisk, TreeWriter } from "../../io/tree-writer.ts";
import type { Slot } from "../../reader.ts";
import { shortLived } from "../../short-lived.ts";
import { BLOCK } from "../../tar/header.ts";
import type { EntryFacts } from "../../tar/tar-entry.ts";
import { tarParser } from "../../tar/tar-parser.ts";
import { placeEntry } from "../../tar/unpack.ts";
import type { Bytes } from "../../types.ts";
import { decodeFrame } from "./decode-frame.ts";
import { fileTarget } from "./extract-slot.ts";
import { fillFile, helpToFill, longFileIn, type PieceTools } from "./long-file.ts";
import { type PlainTools, type PlainUnpacker, plainUnpacker } from "./plain-entries.ts";
import type { SharedFile } from "./shared-file.ts";
import type { FrameJob, UnpackJob } from "./unpack-jobs.ts";
import type { FramePlace, SlotFrame } from "./slot-frames.ts";

/** What frames are unpacked with. */
export interface FrameTools extends PieceTools {
  readonly writer: TreeOnDisk;
  /** For plain entries of frames that fit into this memory; without it, all go the long way. */
  readonly quick?: { readonly output: Bytes; readonly unpack: PlainUnpacker } | undefined;
}

/** A link that is not made yet: while several threads write, nothing below the root may lead elsewhere. */
export type FoundLink = readonly [path: string, target: string];

/**
 * Writes the files and folders of a part of an archive, and returns its links. Throws for everything that could come out
 * otherwise than if the whole archive was unpacked in order; paths that occur twice are for the caller to notice.
 */
export async function unpackFrame(
  slot: Slot,
  frame: SlotFrame,
  tools: FrameTools,
): Promise<readonly FoundLink[]> {
  const { source, memory, quick, onBytes } = tools;
  const { target, index } = slot.entry;
  const { parser, place, links } = entriesOf(slot, frame, tools.writer);
  const fits = frame.size <= memory.length && frame.content <= (quick?.output.length ?? 0);
  const way = fits && (target === "" || !ODD_STEP.test(target)) ? quick : undefined;
  await decodeFrame(source, frame, { ...tools, output: way?.output }, (piece) => {
    const isWhole = piece.length === frame.content;
    const done = isWhole ? (way?.unpack(piece.length, place, index) ?? 0) : 0;
    parser.push(piece.subarray(done));
    onBytes?.(piece.length);
  });
  parser.end();
  return links;
}

/** The same for a part of several frames: if these are a long file, all threads that have nothing else to do write it. */
async function unpackLong(
  slot: Slot,
  frame: SlotFrame,
  tools: FrameTools,
  shared: SharedFile,
): Promise<readonly FoundLink[]> {
  const { parser, links, last } = entriesOf(slot, frame, tools.writer);
  const push = (piece: Bytes) => {
    parser.push(piece);
    tools.onBytes?.(piece.length);
  };
  const [head, ...rest] = frame.pieces as [FramePlace, ...FramePlace[]];
  await decodeFrame(tools.source, head, tools, push);
  const { file, size } = last;
  const long = file && longFileIn(frame, head.content - file.written, size);
  if (file !== undefined && long !== undefined) await fillFile(file, long, shared, () => tools);
  else {
    shared.keep();
    for (const piece of rest) await decodeFrame(tools.source, piece, tools, push);
    parser.end();
  }
  return links;
}

/** The same for a slot that is one file. */
async function unpackFile(
  slot: Slot,
  frame: SlotFrame,
  tools: FrameTools,
  shared: SharedFile,
): Promise<readonly FoundLink[]> {
  const file = tools.writer.openFile(fileTarget(slot), slot.mode, 0);
  await fillFile(file, { frame, first: 0, before: 0, size: frame.content }, shared, () => tools);
  return [];
}

/** What reads a part of an archive, and where its entries go. */
function entriesOf({ entry: { target } }: Slot, { isLast }: SlotFrame, writer: TreeOnDisk) {
  const links: FoundLink[] = [];
  /** What the last header said, and the file that was made for it, if it is one. */
  const last: { file: NewFile | undefined; size: number } = { file: undefined, size: 0 };
  const files: TreeWriter = {
    ...writer,
    openFile(path, mode, mtime) {
      last.file = writer.openFile(path, mode, mtime);
      return last.file;
    },
    symlink: (path, to) => void links.push([path, to]),
    hardLinkAsCopy(path) {
      throw new Error(`${JSON.stringify(path)} is a link to a file that another frame may have`);
    },
  };
  const place = placeBelow(target);
  const entry = (header: EntryFacts) => {
    [last.file, last.size] = [undefined, header.size];
    return placeEntry(header, files, place);
  };
  const parser = tarParser({ entry }, { ending: isLast ? "marked" : "open" });
  return { parser, place, links, last };
}

const MIB = 1024 * 1024;
/** Frames of at most this size, and content, are decoded at once: nearly all that our builder makes. */
const AT_ONCE = { size: 5 * MIB, content: 8 * MIB };

/** What a thread unpacks all its frames with. */
export interface FrameUnpacker extends Disposable {
  /** `shared` is for others to help with, where that is possible. */
  unpack(job: FrameJob, shared: SharedFile | undefined): Promise<void>;
  /** Helps with what another thread unpacks. */
  help(frame: SlotFrame, shared: SharedFile): Promise<void>;
  readonly links: readonly (readonly [...link: FoundLink, slot: number])[];
}

/** Throws where this runtime has no decoder for threads, but not before there is something to decode. */
export function openFrameUnpacker(
  source: ByteSource,
  root: string,
  jobs: readonly UnpackJob[],
  {
    onBytes,
    turn,
    ...plain
  }: Pick<FrameTools, "onBytes" | "turn"> & Pick<PlainTools, "writer" | "rows" | "folders">,
): FrameUnpacker {
  const links: [...FoundLink, number][] = [];
  let files: NewFiles | undefined;
  let opened: FrameTools | undefined;
  const open = (): FrameTools => {
    const decoder = openSyncDecoder();
    if (decoder === undefined) throw new Error("this runtime has no decoder for threads");
    const room = roomFor(jobs);
    const output = new Uint8Array(room.content);
    files = openNewFiles(root, output);
    const quick = files && { output, unpack: plainUnpacker({ memory: output, files, ...plain }) };
    const memory = new Uint8Array(room.size);
    return { source, decoder, memory, writer: plain.writer, quick, onBytes, turn };
  };
  const tools = (): FrameTools => {
    opened ??= open();
    return opened;
  };
  return {
    links,
    async unpack({ kind, slot, frame }, shared) {
      const unpackShared = kind === "file" ? unpackFile : unpackLong;
      const found =
        shared === undefined
          ? await unpackFrame(slot, frame, tools())
          : await unpackShared(slot, frame, tools(), shared);
      for (const [path, target] of found) links.push([path, target, slot.entry.index]);
    },
    help: (frame, shared) => helpToFill(frame, shared, tools),
    [Symbol.dispose]: () => files?.[Symbol.dispose](),
  };
}

/** What the largest frames need that are decoded at once: memory that nobody uses takes a small start 2 ms. */
function roomFor(jobs: readonly UnpackJob[]): { readonly size: number; readonly content: number } {
  const frames = jobs.flatMap((job) => ("frame" in job ? job.frame.pieces : []));
  const largest = (of: keyof typeof AT_ONCE) =>
    frames.reduce((most, frame) => Math.max(most, Math.min(frame[of], AT_ONCE[of])), BLOCK);
  return { size: largest("size"), content: largest("content") };
}

/** As `placement`, but of archives that have their target's last part on top only. */
function placeBelow(target: string): (name: string) => string {
  const parent = posix.dirname(target);
  const top = posix.basename(target);
  return shortLived((name: string): string => {
    if (name === "." || target === "") return name;
    if (name !== top && !name.startsWith(`${top}/`))
      throw new Error(`${JSON.stringify(name)} is not below the target of its slot`);
    return parent === "." ? name : `${parent}/${name}`;
  });
}
