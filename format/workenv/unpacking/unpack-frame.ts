import { posix } from "node:path";
import { openSyncDecoder } from "../../codecs/zstd-sync.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { type NewFiles, openNewFiles } from "../../io/quick-new-files.ts";
import { ODD_STEP } from "../../io/paths.ts";
import type { TreeWriter } from "../../io/tree-writer.ts";
import type { Slot } from "../../reader.ts";
import { shortLived } from "../../short-lived.ts";
import { tarUnpacker } from "../../tar/unpack.ts";
import type { Bytes } from "../../types.ts";
import { type DecodeTools, decodeFrame } from "./decode-frame.ts";
import { type PlainTools, type PlainUnpacker, plainUnpacker } from "./plain-entries.ts";
import type { SlotFrame } from "./slot-frames.ts";

/** What frames are unpacked with. */
export interface FrameTools extends Omit<DecodeTools, "output"> {
  readonly writer: TreeWriter;
  /** For plain entries of frames that fit into this memory; without it, all go the long way. */
  readonly quick?: { readonly output: Bytes; readonly unpack: PlainUnpacker } | undefined;
  /** Told of the content as it is unpacked. */
  readonly onBytes?: ((count: number) => void) | undefined;
}

/** A link that is not made yet: while several threads write, nothing below the root may lead elsewhere. */
export type FoundLink = readonly [path: string, target: string];

/**
 * Writes the files and folders of one frame of a slot, and returns its links. Throws for everything that could come out
 * otherwise than if the whole archive was unpacked in order; paths that occur twice are for the caller to notice.
 */
export async function unpackFrame(
  source: ByteSource,
  slot: Slot,
  frame: SlotFrame,
  tools: FrameTools,
): Promise<readonly FoundLink[]> {
  const { memory, writer, quick, onBytes } = tools;
  const { target, index } = slot.entry;
  const links: FoundLink[] = [];
  const files: TreeWriter = {
    ...writer,
    symlink: (path, to) => void links.push([path, to]),
    hardLinkAsCopy(path) {
      throw new Error(`${JSON.stringify(path)} is a link to a file that another frame may have`);
    },
  };
  const place = placeBelow(target);
  const unpacker = tarUnpacker(files, place, { ending: frame.isLast ? "marked" : "open" });
  const fits = frame.size <= memory.length && frame.content <= (quick?.output.length ?? 0);
  const way = fits && (target === "" || !ODD_STEP.test(target)) ? quick : undefined;
  await decodeFrame(source, frame, { ...tools, output: way?.output }, (piece) => {
    const isWhole = piece.length === frame.content;
    const done = isWhole ? (way?.unpack(piece.length, place, index) ?? 0) : 0;
    unpacker.push(piece.subarray(done));
    onBytes?.(piece.length);
  });
  unpacker.end();
  return links;
}

const MIB = 1024 * 1024;
/** Frames of at most this size, and content, are decoded at once: nearly all that our builder makes. */
const AT_ONCE = { compressed: 5 * MIB, content: 8 * MIB };

/** What a thread unpacks all its frames with. */
export interface FrameUnpacker extends Disposable {
  unpack(slot: Slot, frame: SlotFrame): Promise<void>;
  readonly links: readonly (readonly [...link: FoundLink, slot: number])[];
}

/** Throws where this runtime has no decoder for threads, but not before there is something to decode. */
export function openFrameUnpacker(
  source: ByteSource,
  root: string,
  {
    onBytes,
    turn,
    ...plain
  }: Pick<FrameTools, "onBytes" | "turn"> & Pick<PlainTools, "writer" | "rows" | "folders">,
): FrameUnpacker {
  const links: [...FoundLink, number][] = [];
  let files: NewFiles | undefined;
  let tools: FrameTools | undefined;
  const open = (): FrameTools => {
    const decoder = openSyncDecoder();
    if (decoder === undefined) throw new Error("this runtime has no decoder for threads");
    const output = new Uint8Array(AT_ONCE.content);
    files = openNewFiles(root, output);
    const quick = files && { output, unpack: plainUnpacker({ memory: output, files, ...plain }) };
    const memory = new Uint8Array(AT_ONCE.compressed);
    return { decoder, memory, writer: plain.writer, quick, onBytes, turn };
  };
  return {
    links,
    async unpack(slot, frame) {
      tools ??= open();
      for (const [path, target] of await unpackFrame(source, slot, frame, tools))
        links.push([path, target, slot.entry.index]);
    },
    [Symbol.dispose]: () => files?.[Symbol.dispose](),
  };
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
