import { readFile } from "node:fs/promises";
import { dirname, extname, resolve } from "node:path";
import { PspfError } from "../../format/errors.ts";
import { doingAsync } from "../../format/io/fs.ts";
import type { Target } from "../../format/platform.ts";
import type { Execution, RuntimeEnv, SetupCommand, WorkenvPlan } from "../../format/wire/metadata-types.ts";
import type { OperationName } from "../../format/wire/operations.ts";
import { Problems } from "../../format/wire/problems.ts";
import { checkDraft } from "./check.ts";
import { readJsonDraft } from "./json.ts";
import { readTomlDraft } from "./toml.ts";

/** What to build, checked: every source exists, every reference has its object. Both forms of manifest give this. */
export interface Manifest {
  /** Absolute. */
  readonly path: string;
  /** The manifest's folder, which relative sources are relative to. */
  readonly directory: string;
  readonly package: { readonly name: string; readonly version: string; readonly description?: string };
  readonly slots: readonly ManifestSlot[];
  readonly execution: Execution;
  readonly runtimeEnv: RuntimeEnv;
  readonly workenv: WorkenvPlan;
  readonly setupCommands: readonly SetupCommand[];
  readonly cacheValidation?: { readonly checkFile: string; readonly expectedContent: string };
  /** What `flavor pack` builds for when its command line does not say. */
  readonly platforms?: readonly Target[];
  /** "bun", "shebang" or the absolute path of a launcher: the default of `flavor pack --launcher`. */
  readonly launcher?: string;
}

export interface ManifestSlot {
  readonly id: string;
  /** Absolute path of a file or folder, or `$SELF`. */
  readonly source: string;
  /** The source as the manifest has it. */
  readonly sourceText: string;
  /** Globs on paths inside a source folder; no `include` takes everything. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Relative to the workenv; "" is the workenv itself. */
  readonly target: string;
  /** Absent: the builder chooses. */
  readonly operations?: readonly OperationName[];
  readonly purpose: string;
  readonly lifecycle: string;
  /** Unix mode bits. */
  readonly permissions?: number;
  readonly resolution?: string;
  /** The platforms that the slot is for, a pattern of `matchesTarget`; absent: all. */
  readonly platform?: string;
  /** Keep the files' modification times, which makes the package depend on them. */
  readonly mtimes: boolean;
}

export interface ReadManifestOptions {
  /** What will be built: sources of slots for other platforms need not exist. Absent: all must. */
  readonly platforms?: readonly Target[];
}

/**
 * Reads, parses and checks a manifest. Throws `manifest-invalid` with every problem of the document, and
 * `io-failed` when the file cannot be read.
 */
export async function readManifest(path: string, options: ReadManifestOptions = {}): Promise<Manifest> {
  const absolute = resolve(path);
  const bytes = await doingAsync("read the manifest", path, () => readFile(absolute));
  return parseManifest(decodeUtf8(bytes, path), absolute, options);
}

/** The same for a text that is already in memory; `path` says where its sources are relative to. */
export function parseManifest(text: string, path: string, options: ReadManifestOptions = {}): Manifest {
  const problems = new Problems();
  const directory = dirname(path);
  const draft = isJson(text, path)
    ? readJsonDraft(text, path, problems)
    : readTomlDraft(text, path, problems);
  return checkDraft(draft, { path, directory, ...options }, problems);
}

function isJson(text: string, path: string): boolean {
  const extension = extname(path).toLowerCase();
  if (extension === ".json") return true;
  return extension !== ".toml" && text.trimStart().startsWith("{");
}

function decodeUtf8(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new PspfError("manifest-invalid", `Cannot parse the manifest ${path}: it is not UTF-8 text`);
  }
}
