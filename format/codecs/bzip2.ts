import { encodeBzip2 } from "./bzip2-encode.ts";
import { decodeBzip2 } from "./bzip2-decode.ts";
import { type Codec, guarded, levelOf } from "./codec.ts";

const LEVELS = { min: 1, max: 9, usual: 9, fast: 1, best: 9 };

/** bzip2 in TypeScript: the registry has no encoder that streams, runs without files beside it and is kept up. */
export const bzip2: Codec = {
  name: "BZIP2",
  encode: (input, options) => {
    const level = levelOf("BZIP2", LEVELS, options);
    return guarded("BZIP2", "encode", input, (pieces) => encodeBzip2(pieces, level));
  },
  decode: (input) => guarded("BZIP2", "decode", input, decodeBzip2),
};
