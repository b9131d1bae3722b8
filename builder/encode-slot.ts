import { statSync } from "node:fs";
import { posix } from "node:path";
import { decodeChain, encodeChain, sniff, splitChain } from "../format/codecs/chain.ts";
import { fromBytes } from "../format/codecs/streams.ts";
import { PspfError } from "../format/errors.ts";
import { openFileSource, streamRange } from "../format/io/byte-source.ts";
import type { TreeEntry } from "../format/tar/tree-entry.ts";
import { writeTar } from "../format/tar/write-tar.ts";
import type { Bytes, ByteStream } from "../format/types.ts";
import { checkSupported, formatOperations, type OperationName } from "../format/wire/operations.ts";
import type { SlotInput } from "./slot-input.ts";
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
}

const TREE_OPERATIONS: readonly OperationName[] = ["TAR", "ZSTD"];
const FILE_OPERATIONS: readonly OperationName[] = ["ZSTD"];

/** The operations that a slot gets, unless it names its own. */
export const operationsOf = ({ data, operations }: SlotInput): readonly OperationName[] =>
  operations ?? (data.kind === "tree" ? TREE_OPERATIONS : data.kind === "self" ? [] : FILE_OPERATIONS);

/** Applies a slot's operations to its data, as a stream. Throws `build-failed` where the two do not fit together. */
export async function encodeSlot(slot: SlotInput, level?: number): Promise<EncodedSlot> {
  const operations = operationsOf(slot);
  checkSupported(operations);
  const { bundle, codecs } = splitChain(operations);
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
    const entries = underTarget(slot.target, listTree(data.root, data));
    return { ...common, ...counted(writeTar(entries, { mtimes: data.mtimes }), codecs, level) };
  }
  const content = contentOf(data);
  const { head, whole } = await peek(content);
  const outermost = operations.at(-1);
  if (outermost !== undefined && sniff(head) === outermost)
    return { ...common, ...alreadyEncoded(whole, codecs) };
  if (bundle !== undefined && sniff(head) !== "TAR")
    throw unfit(
      slot,
      `"${formatOperations(operations)}" needs a folder or a tar archive`,
      "name a folder as its source",
    );
  return { ...common, ...counted(whole, codecs, level) };
}

/**
 * An archive for a target carries the target's last part on top, because FlavorPack's launchers unpack it beside the
 * target; the workenv itself has no such part.
 */
function underTarget(target: string, entries: readonly TreeEntry[]): readonly TreeEntry[] {
  if (target === "") return entries;
  const top = posix.basename(target);
  const folder: TreeEntry = { path: top, kind: "directory", mode: 0o755, size: 0, mtime: 0, absolute: "" };
  return [folder, ...entries.map((entry) => ({ ...entry, path: `${top}/${entry.path}` }))];
}

/** Encodes and counts what goes in. */
function counted(content: ByteStream, codecs: readonly OperationName[], level: number | undefined) {
  let size = 0;
  const counting = async function* (): ByteStream {
    for await (const piece of content) {
      size += piece.length;
      yield piece;
    }
  };
  return {
    stored: encodeChain(codecs, counting(), level === undefined ? {} : { level }),
    originalSize: () => size,
  };
}

/**
 * A file that already has the form of its last operation is stored as it is: FlavorPack's native builders never
 * encode, so their manifests name files such as `conf.tgz`. It is decoded once for its original size, which also
 * shows that it can be.
 */
function alreadyEncoded(whole: ByteStream, codecs: readonly OperationName[]) {
  let size = 0;
  const stored = async function* (): ByteStream {
    const { readable, writable } = new TransformStream<Bytes, Bytes>();
    const writer = writable.getWriter();
    const measuring = (async () => {
      for await (const piece of decodeChain(codecs, readable)) size += piece.length;
    })();
    measuring.catch(() => {});
    for await (const piece of whole) {
      await Promise.race([writer.write(piece), measuring]);
      yield piece;
    }
    await Promise.race([writer.close(), measuring]);
    await measuring;
  };
  return { stored: stored(), originalSize: () => size };
}

async function* contentOf(data: Exclude<SlotInput["data"], { kind: "tree" | "self" }>): ByteStream {
  switch (data.kind) {
    case "bytes":
      return yield* fromBytes(data.bytes);
    case "stream":
      return yield* data.stream;
    case "file": {
      using source = openFileSource(data.path);
      return yield* streamRange(source, 0, source.size);
    }
  }
}

const HEAD_SIZE = 512;

/** The first bytes of a stream, and the stream with them. */
async function peek(content: ByteStream): Promise<{ readonly head: Bytes; readonly whole: ByteStream }> {
  const iterator = content[Symbol.asyncIterator]();
  let head: Bytes = new Uint8Array();
  let step = await iterator.next();
  for (; step.done !== true && head.length < HEAD_SIZE; step = await iterator.next())
    head = new Uint8Array([...head, ...step.value]);
  const rest = step;
  const whole = async function* (): ByteStream {
    try {
      if (head.length > 0) yield head;
      if (rest.done === true) return;
      yield rest.value;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
        yield next.value;
    } finally {
      await iterator.return?.();
    }
  };
  return { head, whole: whole() };
}

function permissionsOf({ permissions, data }: SlotInput): number {
  if (permissions !== undefined) return permissions;
  const isProgram = data.kind === "file" && (statSync(data.path).mode & 0o100) !== 0;
  return isProgram ? 0o755 : 0o644;
}

const unfit = (slot: SlotInput, state: string, hint: string) =>
  new PspfError("build-failed", `Cannot pack slot "${slot.id}": ${state}`, { hint });
