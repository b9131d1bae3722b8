import { constants } from "node:zlib";
import { type EncodeOptions, levelOf } from "./codec.ts";

/** Measured on a tree of 13 000 files, see "Levels" in docs/cli.md. */
const LEVELS = { min: 1, max: 22, usual: 3, fast: 2, best: 19 };

/** The level that was asked for, or the usual one; `bad-arguments` for one that there is not. */
export const zstdLevel = (options: EncodeOptions): number => levelOf("ZSTD", LEVELS, options);

/** Whether size counts for more than time. */
export const isAboveUsual = (options: EncodeOptions): boolean => zstdLevel(options) > LEVELS.usual;

/** How the runtime's encoder writes our frames: at the level that was asked for, with a checksum of the content. */
export const zstdParams = (options: EncodeOptions): Readonly<Record<number, number>> => ({
  [constants.ZSTD_c_compressionLevel]: zstdLevel(options),
  [constants.ZSTD_c_checksumFlag]: 1,
});
