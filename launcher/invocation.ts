import type { Environment } from "../format/command/environment.ts";

/** One call of the launcher: everything that it knows of its process. */
export interface Invocation {
  /** Absolute path of the running executable. */
  readonly executable: string;
  /** Path of the package to run: the executable itself, but for `--package`. */
  readonly package: string;
  /** argv[0] as the caller gave it: a link's name, a relative path, a word found on PATH. */
  readonly argv0: string;
  readonly args: readonly string[];
  readonly env: Environment;
  /** Asked for only when needed: the current directory may be gone. */
  readonly cwd: () => string;
  /** The user's number; undefined where there is none, as on Windows. */
  readonly uid?: number | undefined;
  /** Starts a thread that runs `runUnpackWorker`. */
  readonly startThread?: () => Worker;
  /** Has this process go on as a script when `launch` has returned, instead of ending; undefined where it cannot. */
  readonly goOnAs?: (script: string) => void;
  readonly host: { readonly os: string; readonly arch: string };
}
