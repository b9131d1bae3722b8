import { PspfError } from "../errors.ts";
import type { ByteStream } from "../types.ts";
import type { OperationName } from "../wire/operations.ts";

/** How hard to compress: a level on the scale of the codec, or one of those that it knows by what they are for. */
export type Level = number | "fast" | "best";

export interface EncodeOptions {
  /** Absent, the codec's usual level. */
  readonly level?: Level;
}

/**
 * One compression, both ways, in pieces. `decode` gives what was encoded or fails with `codec-failed`; errors of
 * the input pass through unchanged. Leaving either stream early closes the input and frees everything.
 */
export interface Codec {
  readonly name: OperationName;
  encode(input: ByteStream, options: EncodeOptions): ByteStream;
  decode(input: ByteStream): ByteStream;
}

/** The levels that a codec knows. */
export interface Levels {
  readonly min: number;
  readonly max: number;
  readonly usual: number;
  /** In as little time as is of use. */
  readonly fast: number;
  /** As small as it gets in a time that somebody would wait for. */
  readonly best: number;
}

/** The level to use; `bad-arguments` when the codec does not have the one that was asked for. */
export function levelOf(
  name: OperationName,
  levels: Levels,
  { level = levels.usual }: EncodeOptions,
): number {
  if (level === "fast" || level === "best") return levels[level];
  if (Number.isInteger(level) && level >= levels.min && level <= levels.max) return level;
  throw new PspfError(
    "bad-arguments",
    `Cannot compress with ${name.toLowerCase()} at level ${level}: its levels are ${levels.min} to ${levels.max}`,
  );
}

/** The failure of a decoder: what is wrong with the compressed bytes, said of "it" or "its". */
export const damaged = (name: OperationName, state: string, cause?: unknown): PspfError =>
  new PspfError("codec-failed", `Cannot decode ${name.toLowerCase()}: ${state}`, { cause });

/** What all decoders say of input that ends too early. */
export const truncated = (name: OperationName): PspfError =>
  damaged(name, "its data end too early, the rest is missing");

/**
 * Runs one direction of a codec over `input`. Whatever the codec throws becomes `codec-failed`; what the input throws
 * stays as it is.
 */
export async function* guarded(
  name: OperationName,
  deed: "encode" | "decode",
  input: ByteStream,
  run: (input: ByteStream) => ByteStream,
): ByteStream {
  let inputFailure: { readonly cause: unknown } | undefined;
  async function* watched(): ByteStream {
    try {
      yield* input;
    } catch (cause) {
      inputFailure = { cause };
      throw cause;
    }
  }
  try {
    yield* run(watched());
  } catch (cause) {
    if (inputFailure !== undefined) throw inputFailure.cause;
    if (cause instanceof PspfError) throw cause;
    throw new PspfError("codec-failed", `Cannot ${deed} ${name.toLowerCase()}: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

/** Library errors on one line. Emscripten aborts throw strings. */
const reasonOf = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split("\n", 1)[0]?.trim() ||
  "the codec gave no reason";
