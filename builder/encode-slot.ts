import { statSync } from "node:fs";
import { posix } from "node:path";
import { encodeChain, isFramed, type SplitChain, sniff, splitChain } from "../format/codecs/chain.ts";
import { concat, fromBytes } from "../format/codecs/streams.ts";
import type { PspfError } from "../format/errors.ts";
import type { Pieces } from "../format/io/byte-source.ts";
import { doing } from "../format/io/fs.ts";
import { statusOf } from "../format/io/quick-files.ts";
import { writeParts, writeTar } from "../format/tar/write-tar.ts";
import type { Bytes, ByteStream } from "../format/types.ts";
import { checkSupported, formatOperations, type OperationName } from "../format/wire/operations.ts";
import { frameArchive, frameFile, type FrameOptions, frameParts, type MadeFrame } from "./frame-content.ts";
import type { SlotInput } from "./slot-input.ts";
import type { InputEntry, Looked, Recipe, SlotWork } from "./slot-cache/slot-work.ts";
import { alreadyEncoded, unfit, wholeArchive } from "./source-form.ts";
import { fileContent } from "./sources/file-content.ts";
import { listTree } from "./sources/tree.ts";

/** A slot on its way into a package. */
export interface EncodedSlot {
  readonly operations: readonly OperationName[];
  /** Unix mode for the descriptor. */
  readonly permissions: number;
  /** What is stored: the content with all operations applied. */
  readonly stored: ByteStream;
  /** Bytes before the operations; known when `stored` has ended. */
  originalSize(): number;
  /** What is stored, where it is an archive in frames; known when `stored` has ended. */
  made?(): readonly MadeFrame[];
  /** What decides about the stored bytes, where it pays to ask whether they were made before. */
  readonly work?: SlotWork;
}

const TREE_OPERATIONS: readonly OperationName[] = ["TAR", "ZSTD"];
const FILE_OPERATIONS: readonly OperationName[] = ["ZSTD"];

/** The operations that a slot gets, unless it names its own. */
export const operationsOf = ({ data, operations }: SlotInput): readonly OperationName[] =>
  operations ?? (data.kind === "tree" ? TREE_OPERATIONS : data.kind === "self" ? [] : FILE_OPERATIONS);

/**
 * Applies a slot's operations to its data, as a stream. Throws `build-failed` where the two do not fit together.
 * `onBytes` is told of the data when it was encoded, archives of folders with their headers.
 */
export async function encodeSlot(slot: SlotInput, options: FrameOptions = {}): Promise<EncodedSlot> {
  const { level, onBytes } = options;
  const operations = operationsOf(slot);
  checkSupported(operations);
  const chain = splitChain(operations);
  const { bundle } = chain;
  const common = { operations, permissions: permissionsOf(slot) };
  const { data } = slot;
  if (data.kind === "self") return { ...common, stored: fromBytes(new Uint8Array()), originalSize: () => 0 };
  if (data.kind === "tree") {
    if (bundle === undefined)
      throw unfit(
        slot,
        `a folder needs tar, its operations are "${formatOperations(operations)}"`,
        'for example "tar|zstd"',
      );
    const listedAt = Date.now();
    const source = lookAt(data.root);
    const entries = underTarget(slot.target, listTree(data.root, data));
    const { mtimes } = data;
    const content = () => writeTar(entries, { mtimes });
    const work = worthKeeping({
      kind: "tree",
      recipe: { operations, level, mtimes },
      source,
      entries,
      listedAt,
      content,
    });
    if (isFramed(chain))
      return { ...common, ...work, ...frameParts(writeParts(entries, { mtimes }), options) };
    return { ...common, ...work, ...encoded(content(), chain, options) };
  }
  if (slot.operations === undefined && slot.target === "")
    throw unfit(
      slot,
      "a file cannot become the workenv itself",
      'name a target for it, or operations such as "tgz" if it is an archive',
    );
  const listedAt = Date.now();
  const { head, whole, close } = await (data.kind === "file" ? peekFile(data, chain) : peek(contentOf(data)));
  const form = sniff(head);
  // Only where a chain was named: a chain that we chose must give back the very file, whatever its form.
  if (slot.operations !== undefined && form !== undefined && form === operations.at(-1))
    return { ...common, ...alreadyEncoded(slot, whole, chain, onBytes) };
  if (bundle !== undefined && form !== "TAR") {
    await close();
    throw noArchive(slot);
  }
  const work = fileWork(data, { operations, level, mtimes: "zero" }, listedAt);
  const content = bundle === undefined ? whole : wholeArchive(slot, whole);
  return { ...common, ...work, ...encoded(content, chain, options) };
}

/** Below this many bytes a slot is encoded in less time than it takes to keep it. */
const WORTH_KEEPING = 1024 * 1024;

function worthKeeping(work: SlotWork): { readonly work?: SlotWork } {
  const isWorth = isLarge(work.entries) && splitChain(work.recipe.operations).codecs.length > 0;
  return isWorth ? { work } : {};
}

function isLarge(entries: readonly InputEntry[]): boolean {
  let size = 0;
  for (const entry of entries) {
    size += entry.size;
    if (size >= WORTH_KEEPING) return true;
  }
  return false;
}

function fileWork(data: SlotInput["data"], recipe: Recipe, listedAt: number) {
  if (data.kind !== "file") return {};
  const { path: absolute } = data;
  const source = lookAt(absolute);
  const stats = doing("look at", absolute, () => statSync(absolute));
  const entry: InputEntry = { path: "", kind: "file", mode: 0, size: stats.size, mtime: 0, absolute, stats };
  const content = () => contentOf(data);
  return worthKeeping({ kind: "file", recipe, source, entries: [entry], listedAt, content });
}

function lookAt(path: string): Looked {
  try {
    return { path, stats: statusOf(path) };
  } catch {
    return { path, stats: { ino: Number.NaN, mtimeMs: Number.NaN } }; // who reads it says what is wrong
  }
}

/**
 * An archive for a target carries the target's last part on top, because FlavorPack's launchers unpack it beside the
 * target; the workenv itself has no such part.
 */
function underTarget(target: string, entries: readonly InputEntry[]): readonly InputEntry[] {
  if (target === "") return entries;
  const top = posix.basename(target);
  const folder: InputEntry = { path: top, kind: "directory", mode: 0o755, size: 0, mtime: 0, absolute: "" };
  return [folder, ...entries.map((entry) => ({ ...entry, path: `${top}/${entry.path}` }))];
}

/** What goes in, encoded and counted. */
function encoded(
  content: ByteStream,
  chain: SplitChain,
  framing: FrameOptions,
): Pick<EncodedSlot, "stored" | "originalSize" | "made"> {
  const { level, onBytes } = framing;
  if (isFramed(chain))
    return chain.bundle === "TAR" ? frameArchive(content, framing) : frameFile(content, framing);
  let size = 0;
  const counting = async function* (): ByteStream {
    for await (const piece of content) {
      size += piece.length;
      onBytes?.(piece.length);
      yield piece;
    }
  };
  const options = level === undefined ? {} : { level };
  return { stored: encodeChain(chain.codecs, counting(), options), originalSize: () => size };
}

async function* contentOf(
  data: Exclude<SlotInput["data"], { kind: "tree" | "self" }>,
  pieces?: Pieces,
): ByteStream {
  switch (data.kind) {
    case "bytes":
      return yield* fromBytes(data.bytes);
    case "stream":
      return yield* data.stream;
    case "file":
      return yield* fileContent(data.path, pieces);
  }
}

const HEAD_SIZE = 512;

interface Peeked {
  readonly head: Bytes;
  /** The stream with its head. */
  readonly whole: ByteStream;
  /** Frees the stream, for when `whole` is not read at all. */
  close(): Promise<unknown>;
}

/**
 * Opens the file again where it is read: many slots may be looked at before the first of them is. Without codecs, each piece
 * is written before the next one is asked for.
 */
async function peekFile(
  data: Extract<SlotInput["data"], { kind: "file" }>,
  chain: SplitChain,
): Promise<Peeked> {
  const { head, close } = await peek(contentOf(data));
  await close();
  const isUsedUp = chain.codecs.length === 0 || (isFramed(chain) && chain.bundle === undefined);
  return { head, whole: contentOf(data, isUsedUp ? "passing" : "lasting"), close };
}

async function peek(content: ByteStream): Promise<Peeked> {
  const iterator = content[Symbol.asyncIterator]();
  const pieces: Bytes[] = [];
  let size = 0;
  let isEnd = false;
  while (!isEnd && size < HEAD_SIZE) {
    const step = await iterator.next();
    isEnd = step.done === true;
    if (step.done === true) break;
    pieces.push(step.value);
    size += step.value.length;
  }
  const close = async () => iterator.return?.();
  const whole = async function* (): ByteStream {
    try {
      yield* pieces.splice(0);
      while (!isEnd) {
        const step = await iterator.next();
        if (step.done === true) return;
        yield step.value;
      }
    } finally {
      await close();
    }
  };
  const head = concat(pieces.map((piece) => piece.subarray(0, HEAD_SIZE)));
  return { head, whole: whole(), close };
}

function permissionsOf({ permissions, data }: SlotInput): number {
  if (permissions !== undefined) return permissions;
  if (data.kind !== "file") return 0o644;
  const { mode } = doing("look at", data.path, () => statSync(data.path));
  return (mode & 0o100) === 0 ? 0o644 : 0o755;
}

const noArchive = (slot: SlotInput): PspfError =>
  unfit(
    slot,
    `"${formatOperations(operationsOf(slot))}" needs a folder or a tar archive`,
    "name a folder as its source",
  );
