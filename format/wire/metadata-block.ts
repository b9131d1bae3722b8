import { PspfError } from "../errors.ts";
import { MAX_METADATA_SIZE } from "../spec.ts";
import type { Bytes } from "../types.ts";

const HEADER_SIZE = 10;
const FOOTER_SIZE = 8; // CRC-32 and length of the text, both u32 little-endian

/**
 * The JSON of a metadata block: exactly one gzip member (RFC 1952) of at most 1 MiB and nothing after it, because
 * FlavorPack's readers disagree on everything else. Throws `metadata-invalid`.
 */
export async function gunzipMetadata(block: Bytes): Promise<Bytes> {
  const { constants, crc32, inflateRawSync } = await import("node:zlib");
  const start = endOfHeader(block);
  let inflated: { readonly buffer: Bytes; readonly engine: { readonly bytesWritten: number } };
  try {
    inflated = inflateRawSync(block.subarray(start), {
      maxOutputLength: MAX_METADATA_SIZE,
      info: true,
      finishFlush: constants.Z_SYNC_FLUSH,
    }) as never;
  } catch (cause) {
    const isTooLarge = (cause as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";
    throw refuse(
      isTooLarge ? `it is larger than ${MAX_METADATA_SIZE} bytes` : "its compression is damaged",
      cause,
    );
  }
  const end = start + inflated.engine.bytesWritten;
  if (end + FOOTER_SIZE > block.length) throw refuse("it is cut short");
  if (end + FOOTER_SIZE < block.length) throw refuse("something follows its gzip member");
  const json = new Uint8Array(inflated.buffer);
  const footer = new DataView(block.buffer, block.byteOffset + end, FOOTER_SIZE);
  if (footer.getUint32(0, true) !== crc32(json) || footer.getUint32(4, true) !== json.length)
    throw refuse("its gzip checksum does not match");
  return json;
}

/** Where the compressed data begins. Only the plain ten bytes are accepted: no builder writes an optional field. */
function endOfHeader(block: Bytes): number {
  const [id1, id2, method, flags] = block;
  if (block.length < HEADER_SIZE + FOOTER_SIZE || id1 !== 0x1f || id2 !== 0x8b || method !== 8)
    throw refuse("it is not gzip");
  if (flags !== 0) throw refuse("its gzip header has optional fields");
  return HEADER_SIZE;
}

/** JSON as a metadata block: one member, no time, so that equal JSON gives equal bytes. */
export async function gzipMetadata(json: Bytes): Promise<Bytes> {
  const { gzipSync } = await import("node:zlib");
  const block = new Uint8Array(gzipSync(json, { level: 9 }));
  block.fill(0, 4, 8);
  block[9] = 0xff; // "unknown operating system", whatever the builder runs on
  return block;
}

const refuse = (state: string, cause?: unknown) =>
  new PspfError(
    "metadata-invalid",
    `Cannot unpack the metadata: ${state}`,
    cause === undefined ? {} : { cause },
  );
