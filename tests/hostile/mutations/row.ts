import type { ErrorCode } from "../../../format/errors.ts";
import type { Surgery } from "../surgery.ts";

/** One way to change a package, and how it is refused. */
export interface Row {
  readonly name: string;
  readonly change: Surgery;
  readonly code: ErrorCode;
  /** Words of the refusal. */
  readonly words: string;
  /**
   * The level of a real start, the lowest one when absent: what does not depend on the signature is refused even
   * there.
   */
  readonly level?: "standard" | "none";
  /** What a real start does when it is not what `flavor verify` says. */
  readonly start?:
    | { readonly code: ErrorCode; readonly words: string }
    /** Why it runs. */
    | { readonly runs: string }
    /** Why nobody should try. */
    | { readonly untried: string };
  /** What was started before by the same user, who then remembers its signer. */
  readonly after?: "the honest package";
  /** What a refused start leaves in the cache; nothing when absent. */
  readonly leaves?: string;
  /** Why `flavor verify` has nothing to say where a real start has. */
  readonly verify?: { readonly passes: string };
}
