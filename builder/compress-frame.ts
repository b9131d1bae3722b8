import type { ByteSource } from "../format/io/byte-source.ts";
import type { Bytes } from "../format/types.ts";

/** Where a frame says what follows it (RFC 8878, section 3.1.1.1.1), behind four bytes of magic number. */
const DESCRIPTOR = 4;
const HAS_CHECKSUM = 0x04;
const CHECKSUM_SIZE = 4;

/**
 * Content as one zstd frame with its checksum, in pieces, made in a thread of the runtime. `content` must not change
 * until they are there. Bun's own function is quicker than node:zlib's and makes smaller frames, since it knows the size
 * beforehand, but writes no checksum: it is added as RFC 8878 wants it, and so does not come from whom it checks.
 */
export async function compressFrame(content: Bytes, level: number): Promise<readonly Bytes[]> {
  const digest = contentChecksum(content);
  const frame = (await Bun.zstdCompress(content, { level })) as Bytes;
  frame[DESCRIPTOR] = (frame[DESCRIPTOR] as number) | HAS_CHECKSUM;
  const checksum = new Uint8Array(CHECKSUM_SIZE);
  new DataView(checksum.buffer).setUint32(0, digest, true);
  return [frame, checksum];
}

/** What a frame of this content has as its checksum: the low 32 bits of its XXH64 (RFC 8878, section 3.1.1). */
export const contentChecksum = (content: Bytes): number => Number(Bun.hash.xxHash64(content) & 0xffffffffn);

/** The checksum of a frame that was made by `compressFrame`, where it lies in a source. */
export async function storedChecksum(
  source: ByteSource,
  { offset, size }: { readonly offset: number; readonly size: number },
): Promise<number> {
  const checksum = await source.read(offset + size - CHECKSUM_SIZE, CHECKSUM_SIZE);
  return new DataView(checksum.buffer, checksum.byteOffset).getUint32(0, true);
}
