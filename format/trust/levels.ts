import type { Seal } from "../seal/package-seal.ts";
import type { Finding } from "./judge.ts";

/** What `FLAVOR_VALIDATION` may say, the strictest first. */
export const VALIDATION_LEVELS = ["strict", "standard", "relaxed", "minimal", "none"] as const;
export type ValidationLevel = (typeof VALIDATION_LEVELS)[number];

export type Verdict = "run" | "warn" | "refuse";

/** What was found out about a package: its seal, and what is known here about its signer. */
export type SealState = Seal | "unchecked";
export type TrustState = Finding["kind"] | "unchecked";

/** What a level makes of a package. */
export interface Level {
  readonly seal: Readonly<Record<SealState, Verdict>>;
  readonly trust: Readonly<Record<TrustState, Verdict>>;
  /** Whether every start compares the workenv with what was signed. */
  readonly rehash: boolean;
}

/** By the owner of the machine, of the user, or of this call. */
const listed = { trusted: "run", named: "run" } as const;

/** Nobody has said a word about this signer, and nothing speaks against it. */
const unknown = (verdict: Verdict) =>
  ({ known: verdict, successor: verdict, new: verdict, anonymous: verdict }) as const;

/** Somebody has said that this signer is not the right one, or the memory does. */
const wrong = (verdict: Verdict) =>
  ({
    revoked: verdict,
    changed: verdict,
    pinned: verdict,
    unlisted: verdict,
    older: verdict,
    unchecked: verdict,
  }) as const;

const seals = (verdict: Verdict) =>
  ({ valid: "run", invalid: verdict, missing: verdict, unchecked: verdict }) as const;

/**
 * All that a level decides. What is not here is refused at each of them: damaged structure, checksums of index and
 * metadata, a slot table that does not follow from the metadata, slots that are not the signed ones.
 */
export const LEVELS = {
  strict: {
    seal: seals("refuse"),
    trust: { ...listed, ...unknown("refuse"), ...wrong("refuse") },
    rehash: true,
  },
  standard: {
    seal: seals("refuse"),
    trust: { ...listed, ...unknown("run"), ...wrong("refuse") },
    rehash: false,
  },
  relaxed: {
    seal: seals("warn"),
    trust: { ...listed, ...unknown("run"), ...wrong("warn") },
    rehash: false,
  },
  minimal: { seal: seals("run"), trust: { ...listed, ...unknown("run"), ...wrong("run") }, rehash: false },
  none: { seal: seals("run"), trust: { ...listed, ...unknown("run"), ...wrong("run") }, rehash: false },
} as const satisfies Record<ValidationLevel, Level>;

/** Whether a level looks at the seal and the signer at all: what it would run anyway it does not read. */
export const looksAtSeal = (level: ValidationLevel): boolean => LEVELS[level].seal.unchecked !== "run";

/** Whether one level demands less than another. */
export const isBelow = (level: ValidationLevel, other: ValidationLevel): boolean =>
  VALIDATION_LEVELS.indexOf(level) > VALIDATION_LEVELS.indexOf(other);

/** The level that demands more. */
export const stricterOf = (a: ValidationLevel, b: ValidationLevel): ValidationLevel =>
  isBelow(a, b) ? b : a;

/** Whether a workenv that was made over these findings may be started at a level without another look. */
export const runsUnseen = (level: ValidationLevel, seal: SealState, trust: TrustState): boolean => {
  const row: Level = LEVELS[level];
  return !row.rehash && row.seal[seal] === "run" && row.trust[trust] === "run";
};
