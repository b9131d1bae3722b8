import { createZstdCompress, createZstdDecompress } from "node:zlib";
import { type Codec, guarded } from "./codec.ts";
import { throughTransform } from "./node-transform.ts";
import { wholeFrames } from "./zstd-frames.ts";
import { zstdParams } from "./zstd-params.ts";

/** Larger pieces than Node's usual 16 KiB: fewer trips through the event loop. */
const CHUNK = 256 * 1024;

/**
 * zstd (RFC 8878) with the codec of the runtime. Writes one frame with a checksum of its content; reads any number
 * of frames, skippable ones included.
 */
export const zstd: Codec = {
  name: "ZSTD",
  encode: (input, options) => {
    const params = zstdParams(options);
    return guarded("ZSTD", "encode", input, (pieces) =>
      throughTransform(pieces, createZstdCompress({ params, chunkSize: CHUNK })),
    );
  },
  decode: (input) =>
    guarded("ZSTD", "decode", input, (pieces) =>
      wholeFrames(pieces, (frames) => throughTransform(frames, createZstdDecompress({ chunkSize: CHUNK }))),
    ),
};
