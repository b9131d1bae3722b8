import type fc from "fast-check";
import { type ErrorCode, PspfError } from "../../format/errors.ts";
import type { Bytes } from "../../format/types.ts";

/** One parser under attack. */
export interface Target {
  /** Also the name of its folder in the corpus. */
  readonly name: string;
  /** The only ways in which it may refuse. */
  readonly allowed: readonly ErrorCode[];
  /** Inputs with the structure that the parser expects, so that its deeper parts are met. */
  readonly structured: fc.Arbitrary<Bytes>;
  /** Texts that mean something to the parser, in Latin-1. */
  readonly tokens?: readonly string[];
  /** Bytes of the longest input; 16 KiB by default. */
  readonly maxSize?: number;
  /** Milliseconds that an input may take where work is what the parser is for. */
  readonly slowest?: number;
  /**
   * Parses an input, and checks what must hold of the result (`must`). Returns a few words that tell kinds of success
   * apart: inputs with new words are mutated further; undefined where it refuses without an error.
   */
  run(input: Bytes): Promise<string | undefined> | string | undefined;
  /** Makes checksums fit again, without which a mutation would only ever meet these. */
  repair?(input: Bytes): Bytes;
}

export const DEFAULT_SIZE = 16 * 1024;

/** What came of one input. `feature` is the same for inputs that went the same way, as far as one can tell. */
export type Outcome =
  | { readonly kind: "accepted" | "refused"; readonly feature: string }
  | { readonly kind: "find"; readonly feature: string; readonly detail: string };

/** Something that must hold of whatever a parser accepts does not. */
class BrokenPromise extends Error {
  override readonly name = "BrokenPromise";
}

/** States what a target promises besides its errors. */
export function must(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new BrokenPromise(promise);
}

/** Runs a target and judges what it throws. Never throws itself. */
export async function attempt({ run, allowed }: Target, input: Bytes): Promise<Outcome> {
  try {
    const words = await run(input);
    return words === undefined
      ? { kind: "refused", feature: "without an error" }
      : { kind: "accepted", feature: `ok ${words}` };
  } catch (error) {
    const feature = featureOf(error);
    const fault = faultOf(error, allowed);
    return fault === undefined
      ? { kind: "refused", feature }
      : { kind: "find", feature, detail: `${fault}: ${stackOf(error)}` };
  }
}

function faultOf(error: unknown, allowed: readonly ErrorCode[]): string | undefined {
  if (error instanceof BrokenPromise) return "a promise is broken";
  if (!(error instanceof PspfError)) return "not an error of ours";
  if (!allowed.includes(error.code)) return `the code ${error.code} is none of this parser's`;
  const texts = [error.message, ...error.problems, error.hint ?? ""];
  if (texts.some(steersTerminals)) return "what it says breaks lines or steers the terminal";
  return texts.some(({ length }) => length > LONGEST) ? "what it says is far too long" : undefined;
}

/** What is quoted is cut, but six characters may stand for one. */
const LONGEST = 64 * 1024;

/** Control characters of both sets, line and paragraph ends, and what turns the direction of writing. */
export const steersTerminals = (text: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/.test(text);

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** An error without what depends on the single input: numbers and quoted texts. */
function featureOf(error: unknown): string {
  const text =
    error instanceof PspfError ? [error.code, error.message, error.problems[0]].join(" ") : String(error);
  const plain = text.replace(/"(?:[^"\\]|\\.)*"?/g, '""').replace(/0x[0-9a-f]+|\d+/gi, "#");
  return plain.slice(0, 160);
}
