import type { Statement } from "../trust/statement.ts";
import type { Sha256 } from "../types.ts";
import type { OperationName } from "./operations.ts";

/** The signed JSON of a package, checked and in the program's own shape. Specification: metadata block. */
export interface Metadata {
  readonly format: string;
  readonly package: { readonly name: string; readonly version: string; readonly description?: string };
  readonly slots: readonly SlotEntry[];
  readonly execution: Execution;
  readonly runtimeEnv: RuntimeEnv;
  readonly workenv: WorkenvPlan;
  readonly setupCommands: readonly SetupCommand[];
  readonly cacheValidation?: { readonly checkFile: string; readonly expectedContent: string };
  readonly build?: BuildFacts;
  readonly launcher?: LauncherFacts;
  /** What keys say about themselves, as the builder passed it on: whether they have said it is not known yet. */
  readonly statements?: readonly Statement[];
  /** It was signed with a key that was made for this build alone; absent is no. */
  readonly isAnonymous?: boolean;
}

/** What starting the application needs to know of its package. */
export type LaunchFacts = Pick<Metadata, "package" | "execution" | "runtimeEnv" | "workenv"> & {
  readonly slots: readonly Pick<SlotEntry, "target">[];
  /** Whether a command starts `{bun}`. */
  readonly usesBun: boolean;
  /** Whether there are setup commands, which may note the path of the workenv. */
  readonly hasSetup: boolean;
  /** Whether slots are unpacked before every start. */
  readonly eachStart: boolean;
  /** Whether something is done when the application has ended. */
  readonly atEnd: boolean;
  /** Indices of the slots that FLAVOR_DEV asks for. */
  readonly devSlots: readonly number[];
};

export interface SlotEntry {
  readonly index: number;
  readonly id: string;
  readonly source: string;
  /** Relative to the workenv, `{workenv}` stripped; "" is the workenv itself. */
  readonly target: string;
  /** Stored size in bytes as the builder wrote it; FlavorPack's Python builder writes the size of the source. */
  readonly size: number;
  /** Bytes before the operations were applied; only our own builder writes it. */
  readonly originalSize?: number;
  /** Of the stored bytes. Absent for `$SELF` slots. */
  readonly checksum?: Sha256;
  readonly operations: readonly OperationName[];
  readonly purpose: string;
  readonly lifecycle: string;
  /** Unix mode bits, when the builder gave any. */
  readonly permissions?: number;
  readonly resolution?: string;
  readonly platform?: string;
  readonly selfRef: boolean;
  /** `target` as it stands in the JSON: FlavorPack's Go builder hashes it. */
  readonly rawTarget: string;
}

export interface Execution {
  readonly primarySlot: number;
  /** The command template, not split and not substituted. */
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
}

/** `runtime.env`: what happens to the caller's environment, in this order: unset (but never what pass protects),
 * map, set. */
export interface RuntimeEnv {
  readonly unset: readonly string[];
  readonly pass: readonly string[];
  readonly map: Readonly<Record<string, string>>;
  readonly set: Readonly<Record<string, string>>;
}

export interface WorkenvPlan {
  readonly directories: readonly WorkenvDirectory[];
  readonly env: Readonly<Record<string, string>>;
}

export interface WorkenvDirectory {
  readonly path: string;
  /** Unix mode; 0700 when absent. */
  readonly mode?: number;
}

export type SetupCommand =
  | { readonly type: "execute"; readonly command: string }
  | {
      readonly type: "enumerate_and_execute";
      readonly command: string;
      readonly enumerate: { readonly path: string; readonly pattern: string };
    }
  | { readonly type: "write_file"; readonly path: string; readonly content: string; readonly mode?: number }
  | { readonly type: "chmod"; readonly path: string; readonly mode: number };

export interface BuildFacts {
  readonly tool: string;
  readonly toolVersion: string;
  readonly timestamp: string;
  readonly deterministic: boolean;
  readonly platform: { readonly os: string; readonly arch: string; readonly host: string };
}

export interface LauncherFacts {
  readonly tool: string;
  readonly toolVersion: string;
  readonly size: number;
  readonly checksum: Sha256;
}
