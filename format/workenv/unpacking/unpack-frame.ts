import { posix } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { fromBytes } from "../../codecs/streams.ts";
import { zstd } from "../../codecs/zstd.ts";
import { wholeFrames } from "../../codecs/zstd-frames.ts";
import { type ByteSource, streamRange } from "../../io/byte-source.ts";
import type { TreeWriter } from "../../io/tree-writer.ts";
import type { Slot } from "../../reader.ts";
import { tarUnpacker } from "../../tar/unpack.ts";
import type { ByteStream } from "../../types.ts";
import type { SlotFrame } from "./slot-frames.ts";

/** What a frame held, in order. */
export interface FrameContent {
  readonly files: readonly string[];
  readonly folders: readonly (readonly [path: string, mode: number])[];
  /** Not made yet: while several threads write, nothing below the root may lead elsewhere. */
  readonly links: readonly (readonly [path: string, target: string])[];
}

/**
 * Writes the files and folders of one frame of a slot. Throws for everything that could come out otherwise than if the
 * whole archive was unpacked in order; paths that occur in several frames are for the caller to notice.
 */
export async function unpackFrame(
  source: ByteSource,
  slot: Slot,
  frame: SlotFrame,
  writer: TreeWriter,
  onBytes?: (count: number) => void,
): Promise<FrameContent> {
  const found = { files: [] as string[], folders: [] as [string, number][], links: [] as [string, string][] };
  const noting: TreeWriter = {
    ...writer,
    directory(path, mode) {
      found.folders.push([posix.normalize(path), mode]);
      writer.directory(path, mode);
    },
    openFile(path, mode, mtime) {
      found.files.push(posix.normalize(path));
      return writer.openFile(path, mode, mtime);
    },
    symlink: (path, target) => void found.links.push([posix.normalize(path), target]),
    hardLinkAsCopy(path) {
      throw new Error(`${JSON.stringify(path)} is a link to a file that another frame may have`);
    },
  };
  const unpacker = tarUnpacker(noting, placeBelow(slot.entry.target), {
    ending: frame.isLast ? "marked" : "open",
  });
  let size = 0;
  for await (const piece of contentOf(source, frame)) {
    size += piece.length;
    unpacker.push(piece);
    onBytes?.(piece.length);
  }
  unpacker.end();
  if (size !== frame.content) throw new Error("a frame is not as long as the seek table says");
  return found;
}

/** Frames up to this size are decoded at once; our builder makes larger ones for single large files only. */
const AT_ONCE = 16 * 1024 * 1024;

async function* contentOf(source: ByteSource, { offset, size, content }: SlotFrame): ByteStream {
  if (content > AT_ONCE || size > AT_ONCE) return yield* zstd.decode(streamRange(source, offset, size));
  const stored = await source.read(offset, size);
  const decoded = async function* (frames: ByteStream): ByteStream {
    for await (const frame of frames) {
      const { buffer, byteOffset, length } = zstdDecompressSync(frame, {
        maxOutputLength: Math.max(1, content),
      });
      yield new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
    }
  };
  yield* wholeFrames(fromBytes(stored, stored.length), decoded);
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
