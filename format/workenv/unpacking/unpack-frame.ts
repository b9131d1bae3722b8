import { posix } from "node:path";
import type { ByteSource } from "../../io/byte-source.ts";
import type { TreeWriter } from "../../io/tree-writer.ts";
import type { Slot } from "../../reader.ts";
import { tarUnpacker } from "../../tar/unpack.ts";
import { type DecodeTools, decodeFrame } from "./decode-frame.ts";
import type { SlotFrame } from "./slot-frames.ts";

/** What a thread unpacks all its frames with. */
export interface FrameTools extends DecodeTools {
  readonly writer: TreeWriter;
  /** Told of the content as it is unpacked. */
  readonly onBytes?: (count: number) => void;
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
  const { writer, onBytes } = tools;
  const links: FoundLink[] = [];
  const files: TreeWriter = {
    ...writer,
    symlink: (path, target) => void links.push([path, target]),
    hardLinkAsCopy(path) {
      throw new Error(`${JSON.stringify(path)} is a link to a file that another frame may have`);
    },
  };
  const unpacker = tarUnpacker(files, placeBelow(slot.entry.target), {
    ending: frame.isLast ? "marked" : "open",
  });
  await decodeFrame(source, frame, tools, (piece) => {
    unpacker.push(piece);
    onBytes?.(piece.length);
  });
  unpacker.end();
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
