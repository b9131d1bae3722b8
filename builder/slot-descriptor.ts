import { basename, resolve } from "node:path";
import { PspfError } from "../format/errors.ts";
import type { Bytes, ByteStream } from "../format/types.ts";
import { formatOperations, unpackOperations } from "../format/wire/operations.ts";
import { memberPath, type Problems } from "../format/wire/problems.ts";
import { EXISTING, kindOfPath } from "./manifest/source-path.ts";
import type { OperationChain } from "./operation-chain.ts";
import type { SlotInput } from "./slot-input.ts";

/** What a program says about one slot. Offset, sizes and checksums are the builder's business. */
export interface SlotDescriptor {
  /** The slot's position, from 0; only compared with the order of the calls of `addSlot`. */
  readonly id?: number;
  readonly name: string;
  /** Where it goes, relative to the workenv; "{workenv}" is the workenv itself. The name when not given. */
  readonly target?: string;
  /** A chain, its u64, or a text such as "tar|zstd". When not given: "tar|zstd" for folders, "zstd" for the rest. */
  readonly operations?: OperationChain | bigint | string;
  /** A value of `SlotPurpose`, or another word of the format; "payload" when not given. */
  readonly purpose?: string;
  /** A word of the format, such as "runtime" or "init"; "runtime" when not given. */
  readonly lifecycle?: string;
  /** Unix mode of a slot that is one file: bits, or octal digits such as "0755". */
  readonly permissions?: number | string;
}

/** A slot's content: bytes, the path of a file or folder, or a stream, which can be read by one build only. */
export type SlotContent = Bytes | string | ByteStream;

/** A slot as it was added. A path is absolute, so that a later change of the current folder does not matter. */
export interface AddedSlot {
  readonly descriptor: SlotDescriptor;
  readonly content: SlotContent;
}

/** Takes a copy of the descriptor, so that later changes of the caller's object do not reach the package. */
export const addedSlot = (descriptor: SlotDescriptor, content: SlotContent): AddedSlot => ({
  descriptor: { ...descriptor },
  content: typeof content === "string" && content !== "" ? resolve(content) : content,
});

/** The slot as an element of a JSON manifest, which judges everything but the content. */
export function slotDocument({ descriptor }: AddedSlot, at: string, problems: Problems): object {
  const { id, name, target = name, operations, purpose, lifecycle, permissions } = descriptor;
  return {
    slot: id,
    id: name,
    source: "$SELF",
    target,
    purpose: purpose ?? "payload",
    operations: textOf(operations, at, problems),
    lifecycle,
    permissions,
  };
}

function textOf(
  operations: SlotDescriptor["operations"],
  at: string,
  problems: Problems,
): string | undefined {
  if (typeof operations !== "bigint") return operations?.toString();
  try {
    return formatOperations(unpackOperations(operations));
  } catch (error) {
    if (!(error instanceof PspfError)) throw error;
    problems.add(memberPath(at, "operations"), error.message);
    return undefined;
  }
}

/** The content as the builder takes it; undefined when it cannot be, which is noted. */
export function dataOf(
  { content }: AddedSlot,
  at: string,
  problems: Problems,
): SlotInput["data"] | undefined {
  if (content instanceof Uint8Array) return { kind: "bytes", bytes: content };
  if (typeof content !== "string" && typeof content?.[Symbol.asyncIterator] === "function")
    return { kind: "stream", stream: onlyBytes(content) };
  const kind = typeof content === "string" && content !== "" ? kindOfPath(content) : undefined;
  const path = content as string;
  if (kind === "file") return { kind, path };
  if (kind === "folder") return { kind: "tree", root: path, include: [], exclude: [], mtimes: "zero" };
  problems.expected(memberPath(at, "data"), `bytes, a stream or ${EXISTING} file or folder`, content);
  return undefined;
}

/** What the metadata names as the source: for people, so never a whole path of this machine. */
export const sourceTextOf = ({ content, descriptor }: AddedSlot): string =>
  typeof content === "string" ? basename(content) : descriptor.name;

/** A stream of the caller: whatever goes wrong in it is a failed build, not a bug of ours. */
async function* onlyBytes(stream: ByteStream): ByteStream {
  try {
    for await (const piece of stream) {
      if (!(piece instanceof Uint8Array)) throw new TypeError(`it gave a ${typeof piece}, bytes are wanted`);
      yield piece;
    }
  } catch (cause) {
    if (cause instanceof PspfError) throw cause;
    throw new PspfError("build-failed", "Cannot read the stream of a slot", { cause });
  }
}
