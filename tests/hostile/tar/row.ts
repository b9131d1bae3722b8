import type { ErrorCode } from "../../../format/errors.ts";
import type { Bytes } from "../../../format/types.ts";

/** What becomes of an attack: refused with a code, or unpacked to something harmless. */
export type Ending = ErrorCode | "harmless";

/** An archive that means harm, and what becomes of it. */
export interface Attack {
  readonly name: string;
  /** The archive; `outside` is the absolute path of the folder around the workenv, where the witnesses are. */
  readonly archive: (outside: string) => Bytes;
  readonly posix: Ending;
  /** By the rules of Windows; as `posix` when absent. */
  readonly windows?: Ending;
  /** By the rules of macOS: names fold. As `posix` when absent. */
  readonly mac?: Ending;
  /** What a harmless one becomes by the rules of POSIX, by path: `-> target`, `755/` or `644 content`. */
  readonly becomes?: Readonly<Record<string, string>>;
}
