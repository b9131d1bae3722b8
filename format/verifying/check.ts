import { type ErrorCode, PspfError } from "../errors.ts";

/** One thing that was looked at. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was found, in a few words on one line that steers no terminal. */
  readonly detail: string;
  /** Why it failed; its exit code is the one of the whole verification when it is the first. */
  readonly code?: ErrorCode;
  /** What to do about a failure. */
  readonly hint?: string;
}

/** Runs one check: the words that it returns are its detail, what it throws is its failure. */
export async function attempt(name: string, check: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, detail: await check() };
  } catch (error) {
    return failed(name, error);
  }
}

const GET_IT_AGAIN = "the file is damaged or was changed: get it again";

/** A check that has failed; throws what is no error of ours again. */
export function failed(name: string, error: unknown): Check {
  if (!(error instanceof PspfError)) throw error;
  const detail = [error.message, ...error.problems].join("; ");
  return { name, ok: false, detail, code: error.code, hint: error.hint ?? GET_IT_AGAIN };
}
