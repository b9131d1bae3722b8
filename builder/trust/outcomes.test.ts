import { expect, test } from "bun:test";
import type { VALIDATION_LEVELS } from "../../format/trust/levels.ts";
import { NO_POLICY } from "../../format/trust/policy-file.ts";
import { outcomesOf, outcomeWords } from "./outcomes.ts";

const wordsOf = (
  seal: "valid" | "invalid" | "missing",
  trust: "trusted" | "new" | "changed" | "unchecked",
  lowestValidation: (typeof VALIDATION_LEVELS)[number] = "none",
) => outcomeWords(outcomesOf({ seal, trust }, { ...NO_POLICY, lowestValidation }));

test.each([
  ["valid", "trusted", "none", "starts"],
  ["valid", "new", "none", "refused at strict"],
  ["valid", "new", "strict", "refused"],
  ["valid", "changed", "none", "refused at strict and standard"],
  ["valid", "changed", "standard", "refused"],
  ["invalid", "unchecked", "none", "refused at strict and standard"],
  ["missing", "unchecked", "standard", "refused"],
] as const)("a seal that is %s, a signer that is %s, levels down to %s: %s", (seal, trust, lowest, words) => {
  expect(wordsOf(seal, trust, lowest)).toBe(words);
});

test("each level has its outcome; those below the policy cannot be chosen", () => {
  expect(
    outcomesOf({ seal: "valid", trust: "changed" }, { ...NO_POLICY, lowestValidation: "relaxed" }),
  ).toEqual({
    strict: "refuse",
    standard: "refuse",
    relaxed: "warn",
    minimal: "not allowed",
    none: "not allowed",
  });
  // A signer that nobody has asked about does not make an unsigned package worse than it is.
  expect(outcomesOf({ seal: "invalid", trust: "unchecked" }, NO_POLICY).relaxed).toBe("warn");
});
