import { createGunzip, createGzip } from "node:zlib";
import type { Bytes, ByteStream } from "../types.ts";
import { type Codec, guarded, levelOf } from "./codec.ts";
import { throughTransform } from "./node-transform.ts";
import { evenPieces } from "./streams.ts";

const LEVELS = { min: 0, max: 9, usual: 6, fast: 1, best: 9 };

/** RFC 1952: where the header names the operating system, and the value for "Unix". */
const OS_BYTE = 9;
const UNIX = 3;

/**
 * gzip (RFC 1952). What it writes depends on data and level alone: no time, no name, the same system byte
 * everywhere. It reads several members in a row, as bgzip and `cat a.gz b.gz` make them, and zero padding after the
 * last one, as gzip(1) does; anything else after a member is refused.
 */
export const gzip: Codec = {
  name: "GZIP",
  encode: (input, options) => {
    const level = levelOf("GZIP", LEVELS, options);
    return guarded("GZIP", "encode", input, (pieces) =>
      sameEverywhere(throughTransform(evenPieces(pieces), createGzip({ level }))),
    );
  },
  decode: (input) =>
    guarded("GZIP", "decode", input, (pieces) =>
      throughTransform(pieces, createGunzip({ chunkSize: CHUNK })),
    ),
};

const CHUNK = 128 * 1024;

/** zlib writes the system that it was compiled for. */
async function* sameEverywhere(stream: ByteStream): AsyncGenerator<Bytes> {
  let at = 0;
  for await (const piece of stream) {
    if (at <= OS_BYTE && at + piece.length > OS_BYTE) piece[OS_BYTE - at] = UNIX;
    at += piece.length;
    yield piece;
  }
}
