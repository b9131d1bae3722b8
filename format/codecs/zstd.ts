import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";
import { type Codec, guarded, levelOf } from "./codec.ts";
import { throughTransform } from "./node-transform.ts";
import { wholeFrames } from "./zstd-frames.ts";

export const LEVELS = { min: 1, max: 22, usual: 3 };

/** Larger pieces than Node's usual 16 KiB: fewer trips through the event loop. */
const CHUNK = 256 * 1024;

/**
 * zstd (RFC 8878) with the codec of the runtime. Writes one frame with a checksum of its content; reads any number
 * of frames, skippable ones included.
 */
export const zstd: Codec = {
  name: "ZSTD",
  encode: (input, options) => {
    const params = {
      [constants.ZSTD_c_compressionLevel]: levelOf("ZSTD", LEVELS, options),
      [constants.ZSTD_c_checksumFlag]: 1,
    };
    return guarded("ZSTD", "encode", input, (pieces) =>
      throughTransform(pieces, createZstdCompress({ params, chunkSize: CHUNK })),
    );
  },
  decode: (input) =>
    guarded("ZSTD", "decode", input, (pieces) =>
      wholeFrames(pieces, (frames) => throughTransform(frames, createZstdDecompress({ chunkSize: CHUNK }))),
    ),
};
