import type { RuntimeEnv, SetupCommand } from "../../format/wire/metadata-types.ts";
import type { Problems } from "../../format/wire/problems.ts";

/** The source of a slot that has no data of its own: the package itself. Specification: slots. */
export const SELF = "$SELF";

/**
 * A manifest of either form as typed values that nobody has judged yet. Values whose type was wrong are empty ones,
 * and their path is known to `Problems.hasAt`.
 */
export interface Draft {
  readonly package: { readonly name: string; readonly version: string; readonly description?: string };
  readonly slots: readonly DraftSlot[];
  readonly command: string;
  readonly env: readonly DraftEnv[];
  /** A slot's id or position, and where it stands. */
  readonly primary?: { readonly path: string; readonly slot: string | number };
  readonly runtimeEnv: RuntimeEnv;
  readonly workenv: { readonly directories: readonly DraftDirectory[]; readonly env: DraftEnv["values"] };
  readonly setupCommands: readonly DraftSetup[];
  readonly cacheValidation?: { readonly checkFile: string; readonly expectedContent: string };
  readonly platforms?: readonly string[];
  readonly launcher?: string;
}

/** One table of variables for the program; later tables win. */
export interface DraftEnv {
  readonly path: string;
  readonly values: Readonly<Record<string, string>>;
}

export interface DraftDirectory {
  readonly path: string;
  /** Where the path stands in the document. */
  readonly at: string;
  readonly mode?: number;
}

export interface DraftSetup {
  readonly at: string;
  /** Where its command line stands, if it has one: a plain string is one itself. */
  readonly commandAt: string;
  readonly command: SetupCommand;
}

/** Absent `id` and `target` could not be derived from the source, which is reported. */
export interface DraftSlot {
  /** Where the slot stands in the document. */
  readonly at: string;
  readonly id?: string;
  readonly source: string;
  /** The source with placeholders filled in. */
  readonly sourcePath: string;
  readonly target?: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly operations?: string;
  readonly purpose: string;
  readonly lifecycle: string;
  readonly permissions?: number;
  readonly resolution?: string;
  readonly platform?: string;
  readonly mtimes: boolean;
}

/** Notes a problem of a value, unless its type was wrong already. */
export function judge(problems: Problems, path: string, text: string | undefined): void {
  if (text !== undefined && !problems.hasAt(path)) problems.add(path, text);
}
