import { basename } from "node:path";
import { splitWords } from "../../format/command/words.ts";
import { PspfError } from "../../format/errors.ts";
import { errnoOf } from "../../format/io/fs.ts";
import type { Bytes } from "../../format/types.ts";
import { type Answered, ask, type Patience } from "./ask.ts";
import { parseSignature } from "./signature-text.ts";

// No error shows more of the command than the name of its program: what follows may be a PIN.

/** A program and its arguments. */
export type CommandWords = readonly [string, ...string[]];

/** Splits a command that signs into words, as a shell would, but without one. Throws `bad-arguments`. */
export function parseSignCommand(command: string): CommandWords {
  const [program, ...rest] = wordsOf(command);
  if (program === undefined || program === "") throw unusable("it is empty");
  if (/^\w+=/.test(program))
    throw unusable("it begins with a variable, and no shell reads it", '"env NAME=VALUE program" sets one');
  return [program, ...rest];
}

function wordsOf(command: string): readonly string[] {
  try {
    return splitWords(command);
  } catch {
    throw unusable("a quote is not closed, or it ends with a backslash");
  }
}

const unusable = (state: string, hint?: string) =>
  new PspfError("bad-arguments", `Cannot use the sign command: ${state}`, hint === undefined ? {} : { hint });

/**
 * The signature that a command answers with, by form only: whose it is, is not asked here. It gets the message on
 * stdin, our environment without our secrets, and our stderr and terminal, so that it can ask for a PIN or a touch.
 * Throws `signing-failed`; afterwards it does not run any more.
 */
export async function runSignCommand(
  words: CommandWords,
  message: Bytes,
  patience: Partial<Patience> = {},
): Promise<Bytes> {
  const failed = (state: string, facts: { readonly hint?: string; readonly cause?: unknown } = {}) =>
    new PspfError("signing-failed", `Cannot sign with ${basename(words[0])}: ${state}`, facts);
  let run: Answered;
  try {
    run = await ask([...words], message, patience);
  } catch (cause) {
    throw failed(errnoOf(cause) === "ENOENT" ? "there is no such program" : "it cannot be started", {
      cause,
    });
  }
  const { answer, state } = run;
  if (state !== undefined) throw failed(state);
  const signature = parseSignature(answer);
  if (signature !== undefined) return signature;
  if (answer.length === 0) throw failed("it ended well, but answered nothing");
  throw failed(`its answer of ${answer.length} bytes is no signature`, {
    hint: "64 raw bytes, 128 hex digits or 88 characters of base64 on its standard output are one",
  });
}
