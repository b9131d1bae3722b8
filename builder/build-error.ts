import { type ErrorCode, type ErrorFacts, PspfError } from "../format/errors.ts";

/** Which build failed: what the caller asked for, as far as it was known. */
export interface BuildContext {
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly output: string;
  /** The names of the slots, in order. */
  readonly slots: readonly string[];
}

/**
 * Why `PSPFBuilder.build` failed. `code` is `manifest-invalid` when the settings are wrong, with all of it in
 * `problems`; otherwise it is the one of the step that failed.
 */
export class BuildError extends PspfError {
  readonly context: BuildContext;

  constructor(code: ErrorCode, message: string, context: BuildContext, facts: ErrorFacts = {}) {
    super(code, message, facts);
    this.context = context;
  }

  /** The same failure with its context. */
  static from(error: PspfError, context: BuildContext): BuildError {
    const { code, message, problems, hint, cause } = error;
    return new BuildError(code, message, context, {
      problems,
      ...(hint === undefined ? {} : { hint }),
      ...(cause === undefined ? {} : { cause }),
    });
  }
}
