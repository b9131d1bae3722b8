import { posix } from "node:path";
import type { SyncDecoder } from "../../codecs/zstd-sync.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import type { TreeWriter } from "../../io/tree-writer.ts";
import type { Slot } from "../../reader.ts";
import { tarUnpacker } from "../../tar/unpack.ts";
import type { Bytes } from "../../types.ts";
import type { SlotFrame } from "./slot-frames.ts";

/** What a thread unpacks all its frames with. */
export interface FrameTools {
  readonly decoder: SyncDecoder;
  /** For compressed bytes. */
  readonly memory: Bytes;
  readonly writer: TreeWriter;
  /** Told of the content as it is unpacked. */
  readonly onBytes?: (count: number) => void;
  /** Waited for now and then. */
  readonly turn?: () => Promise<void>;
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
  { offset, size, content, isLast }: SlotFrame,
  { decoder, memory, writer, onBytes, turn }: FrameTools,
): Promise<readonly FoundLink[]> {
  const links: FoundLink[] = [];
  const files: TreeWriter = {
    ...writer,
    symlink: (path, target) => void links.push([path, target]),
    hardLinkAsCopy(path) {
      throw new Error(`${JSON.stringify(path)} is a link to a file that another frame may have`);
    },
  };
  const unpacker = tarUnpacker(files, placeBelow(slot.entry.target), { ending: isLast ? "marked" : "open" });
  let decoded = 0;
  const use = (piece: Bytes) => {
    decoded += piece.length;
    if (decoded > content) throw new Error("a frame is longer than the seek table says");
    unpacker.push(piece);
    onBytes?.(piece.length);
  };
  decoder.begin();
  for (let at = 0; at < size; at += memory.length) {
    decoder.push(await source.read(offset + at, Math.min(memory.length, size - at), memory), use);
    await turn?.();
  }
  decoder.end();
  unpacker.end();
  if (decoded !== content) throw new Error("a frame is not as long as the seek table says");
  return links;
}

/** As `placement`, but of archives that have their target's last part on top only. */
function placeBelow(target: string): (name: string) => string {
  const parent = posix.dirname(target);
  const top = posix.basename(target);
  return (name) => {
    if (name === "." || target === "") return name;
    if (name !== top && !name.startsWith(`${top}/`))
      throw new Error(`${JSON.stringify(name)} is not below the target of its slot`);
    return parent === "." ? name : `${parent}/${name}`;
  };
}
