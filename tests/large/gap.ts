import { closeSync, copyFileSync, openSync, truncateSync, writeSync } from "node:fs";
import { openFileSource, streamRange } from "../../format/io/byte-source.ts";
import { openPackage } from "../../format/reader.ts";
import { SLOT_DESCRIPTOR_SIZE, TRAILER_SIZE } from "../../format/spec.ts";
import { encodeIndex } from "../../format/wire/index-block.ts";
import { encodeSlot } from "../../format/wire/slot-descriptor.ts";
import { frameIndex } from "../../format/wire/trailer.ts";

/** Copies a package with a hole of `gap` bytes between its launcher and all that follows: still the same, signed, package. */
export async function withGap(path: string, to: string, gap: number): Promise<void> {
  using source = openFileSource(path);
  const { index, slots } = await openPackage(source);
  const { launcher, slotTable } = index;
  copyFileSync(path, to);
  truncateSync(to, launcher.size);
  const fd = openSync(to, "r+");
  try {
    const end = source.size - TRAILER_SIZE;
    let at = launcher.size + gap;
    for await (const piece of streamRange(source, launcher.size, end - launcher.size, "passing"))
      at += writeSync(fd, piece, 0, piece.length, at);
    for (const [i, { raw }] of slots.entries()) {
      const descriptor = encodeSlot({ ...raw, offset: raw.offset + BigInt(gap) });
      writeSync(fd, descriptor, 0, descriptor.length, slotTable.offset + gap + i * SLOT_DESCRIPTOR_SIZE);
    }
    const { raw } = index;
    const trailer = frameIndex(
      encodeIndex({
        ...raw,
        packageSize: raw.packageSize + BigInt(gap),
        metadataOffset: raw.metadataOffset + BigInt(gap),
        slotTableOffset: raw.slotTableOffset + BigInt(gap),
      }),
    );
    writeSync(fd, trailer, 0, trailer.length, end + gap);
  } finally {
    closeSync(fd);
  }
}
