import { decodeChain, splitChain } from "../codecs/chain.ts";
import { type ByteSource, streamRange } from "../io/byte-source.ts";
import type { ImaginedTree } from "../io/imagined-tree.ts";
import { readSlot, type Slot } from "../reader.ts";
import { limitOf, withinLimit } from "../slot-limit.ts";
import { unpackTar } from "../tar/unpack.ts";
import type { ByteStream, Sha256, Span } from "../types.ts";
import { sha256Stream } from "../wire/hashes.ts";
import { fileTarget, placement } from "../workenv/unpacking/extract-slot.ts";

/** How the bytes of a package are read to be checked: by one thread or by several, which comes to the same. */
export interface PackageReading {
  /** SHA-256 of a part of the file. */
  digestOf(part: Span): Promise<Sha256>;
  /**
   * Tells a tree what a slot holds, which is no `$SELF` slot; returns how many bytes that are. Throws when they cannot be
   * decoded or cannot be in the tree, and unless the stored bytes are the signed ones.
   */
  enter(slot: Slot, tree: ImaginedTree): Promise<number>;
}

/** One thread that reads everything, in order. */
export const readAlone = (source: ByteSource): PackageReading => ({
  async digestOf({ offset, size }) {
    const hash = sha256Stream();
    for await (const piece of streamRange(source, offset, size, "passing")) hash.update(piece);
    return hash.hex();
  },
  async enter(slot, tree) {
    const read = readSlot(source, slot, "passing");
    let size: number;
    try {
      size = await enterContent(slot, read.bytes, tree);
    } catch (error) {
      // the decoder gave up half-way: damage of the stored bytes is what to report, if that is the reason
      for await (const _ of read.bytes);
      read.check();
      throw error;
    }
    read.check();
    return size;
  },
});

/** Tells a tree what comes out of the stored bytes of a slot; returns how many bytes that are. */
export async function enterContent(slot: Slot, stored: ByteStream, tree: ImaginedTree): Promise<number> {
  const { bundle, codecs } = splitChain(slot.entry.operations);
  let size = 0;
  const counted = async function* (): ByteStream {
    for await (const piece of withinLimit(decodeChain(codecs, stored, limitOf(slot)), slot)) {
      size += piece.length;
      yield piece;
    }
  };
  if (bundle === "TAR") await unpackTar(counted(), tree, placement(slot.entry.target));
  else await tree.file(fileTarget(slot), slot.mode, 0, counted());
  return size;
}
