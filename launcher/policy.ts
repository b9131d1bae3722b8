import type { Seal } from "../format/seal/package-seal.ts";
import type { ValidationLevel } from "./env.ts";

export type Verdict = "run" | "warn" | "refuse";

/** What becomes of a package, by the level that was asked for and the state of its seal. */
const VERDICTS = {
  strict: { valid: "run", invalid: "refuse", missing: "refuse", unchecked: "refuse" },
  standard: { valid: "run", invalid: "refuse", missing: "refuse", unchecked: "refuse" },
  relaxed: { valid: "run", invalid: "warn", missing: "warn", unchecked: "warn" },
  minimal: { valid: "run", invalid: "run", missing: "run", unchecked: "run" },
  none: { valid: "run", invalid: "run", missing: "run", unchecked: "run" },
} as const satisfies Record<ValidationLevel, Record<Seal | "unchecked", Verdict>>;

export const verdictOn = (level: ValidationLevel, seal: Seal | "unchecked"): Verdict => VERDICTS[level][seal];
