import { describe, expect, test } from "bun:test";
import {
  isBelow,
  LEVELS,
  type Level,
  looksAtSeal,
  runsUnseen,
  type SealState,
  stricterOf,
  type TrustState,
  VALIDATION_LEVELS,
} from "./levels.ts";

const SEALS = ["valid", "invalid", "missing", "unchecked"] as const satisfies readonly SealState[];
const TRUST = [
  ...["trusted", "named", "known", "successor", "new", "anonymous"],
  ...["revoked", "changed", "pinned", "unlisted", "older", "unchecked"],
] as readonly TrustState[];
const LETTERS = { run: "r", warn: "w", refuse: "X" } as const;

// The whole table, once more, as its reviewer wants it: seals valid, invalid, missing, unchecked; then signers that are
// listed, that nobody has spoken of, and that something speaks against.
test.each([
  ["strict", "rXXX", "rr XXXX XXXXXX", true],
  ["standard", "rXXX", "rr rrrr XXXXXX", false],
  ["relaxed", "rwww", "rr rrrr wwwwww", false],
  ["minimal", "rrrr", "rr rrrr rrrrrr", false],
  ["none", "rrrr", "rr rrrr rrrrrr", false],
] as const)("%s: seals %s, signers %s, compares the workenv: %p", (level, seals, signers, rehash) => {
  const row: Level = LEVELS[level];
  expect(SEALS.map((seal) => LETTERS[row.seal[seal]]).join("")).toBe(seals);
  expect(TRUST.map((state) => LETTERS[row.trust[state]]).join("")).toBe(signers.replaceAll(" ", ""));
  expect(row.rehash).toBe(rehash);
});

test("no finding is missing in the table above", () => {
  expect(Object.keys(LEVELS.strict.trust).toSorted()).toEqual(TRUST.toSorted());
  expect(Object.keys(LEVELS.strict.seal).toSorted()).toEqual(SEALS.toSorted());
});

test("a lower level never refuses what a higher one runs", () => {
  const strength = { run: 0, warn: 1, refuse: 2 };
  const rows = VALIDATION_LEVELS.map((level): Level => LEVELS[level]);
  for (const of of [
    ...SEALS.map((seal) => (row: Level) => row.seal[seal]),
    ...TRUST.map((state) => (row: Level) => row.trust[state]),
  ]) {
    const strengths = rows.map((row) => strength[of(row)]);
    expect(strengths).toEqual(strengths.toSorted((a, b) => b - a));
  }
});

test("the levels that do not look run everything, and the others not", () => {
  for (const level of VALIDATION_LEVELS) {
    const row: Level = LEVELS[level];
    const runsAll = [...SEALS.map((seal) => row.seal[seal]), ...TRUST.map((state) => row.trust[state])].every(
      (verdict) => verdict === "run",
    );
    expect([level, looksAtSeal(level)]).toEqual([level, !runsAll]);
  }
});

test("the stricter of two, and what is below", () => {
  expect(stricterOf("none", "standard")).toBe("standard");
  expect(stricterOf("strict", "standard")).toBe("strict");
  expect(stricterOf("relaxed", "relaxed")).toBe("relaxed");
  expect(isBelow("relaxed", "standard")).toBe(true);
  expect(isBelow("standard", "standard")).toBe(false);
  expect(isBelow("strict", "none")).toBe(false);
});

describe("without another look", () => {
  test.each(VALIDATION_LEVELS.map((level) => [level] as const))("at %s", (level) => {
    const row: Level = LEVELS[level];
    for (const seal of SEALS)
      for (const trust of TRUST) {
        const isFine = row.seal[seal] === "run" && row.trust[trust] === "run" && level !== "strict";
        expect([seal, trust, runsUnseen(level, seal, trust)]).toEqual([seal, trust, isFine]);
      }
  });
});
