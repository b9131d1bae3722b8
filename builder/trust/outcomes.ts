import {
  isBelow,
  LEVELS,
  type Level,
  type SealState,
  type TrustState,
  VALIDATION_LEVELS,
  type ValidationLevel,
  type Verdict,
} from "../../format/trust/levels.ts";
import type { Policy } from "../../format/trust/policy-file.ts";

/** What becomes of a package at each level: "not allowed" is a level that the machine's policy takes from callers. */
export type Outcomes = Readonly<Record<ValidationLevel, Verdict | "not allowed">>;

/** What starts at the levels would do. */
export function outcomesOf(
  { seal, trust }: { readonly seal: SealState; readonly trust: TrustState },
  { lowestValidation }: Policy,
): Outcomes {
  const at = (level: ValidationLevel) => {
    const row: Level = LEVELS[level];
    return isBelow(level, lowestValidation) ? "not allowed" : worse([row.seal[seal], row.trust[trust]]);
  };
  return Object.fromEntries(VALIDATION_LEVELS.map((level) => [level, at(level)])) as Outcomes;
}

const worse = (verdicts: readonly Verdict[]): Verdict =>
  (["refuse", "warn"] as const).find((verdict) => verdicts.includes(verdict)) ?? "run";

/** The same in a few words: "starts", "refused at strict". */
export function outcomeWords(outcomes: Outcomes): string {
  const allowed = VALIDATION_LEVELS.filter((level) => outcomes[level] !== "not allowed");
  const refusing = allowed.filter((level) => outcomes[level] === "refuse");
  if (refusing.length === 0) return "starts";
  return refusing.length === allowed.length ? "refused" : `refused at ${refusing.join(" and ")}`;
}
