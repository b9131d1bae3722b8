import { type Codec, guarded, levelOf } from "./codec.ts";
import { decodeXz } from "./xz-decode.ts";
import { encodeXz } from "./xz-encode.ts";

const LEVELS = { min: 0, max: 9, usual: 6, fast: 1, best: 9 };

/**
 * xz in TypeScript: of the builds of liblzma in the registry, none that is kept up both runs without files beside it
 * and may be part of any program that people ship.
 */
export const xz: Codec = {
  name: "XZ",
  encode: (input, options) => {
    const level = levelOf("XZ", LEVELS, options);
    return guarded("XZ", "encode", input, (pieces) => encodeXz(pieces, level));
  },
  decode: (input) => guarded("XZ", "decode", input, decodeXz),
};
