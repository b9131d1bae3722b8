import { expect, test } from "bun:test";
import { VALIDATION_LEVELS } from "./env.ts";
import { verdictOn } from "./policy.ts";

const SEALS = ["valid", "invalid", "missing", "unchecked"] as const;

// The whole policy, once more, as its reviewer wants it.
test.each([
  ["strict", ["run", "refuse", "refuse", "refuse"]],
  ["standard", ["run", "refuse", "refuse", "refuse"]],
  ["relaxed", ["run", "warn", "warn", "warn"]],
  ["minimal", ["run", "run", "run", "run"]],
  ["none", ["run", "run", "run", "run"]],
] as const)("at %s: %j", (level, verdicts) => {
  expect(SEALS.map((seal) => verdictOn(level, seal))).toEqual([...verdicts]);
});

test("a lower level never refuses what a higher one runs", () => {
  const strength = { run: 0, warn: 1, refuse: 2 };
  for (const seal of SEALS) {
    const strengths = VALIDATION_LEVELS.map((level) => strength[verdictOn(level, seal)]);
    expect(strengths).toEqual(strengths.toSorted((a, b) => b - a));
  }
});
