import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { failureOf } from "../../../tests/support/failure.ts";
import {
  budgetOf,
  type CacheStrategy,
  isContinuousIntegration,
  parseAge,
  parseSize,
  STRATEGIES,
} from "./budget.ts";

const DAY = 86_400_000;
const GIB = 1_073_741_824;
const NONE = Number.POSITIVE_INFINITY;

describe("a strategy", () => {
  test.each([
    ["aggressive", { maxAge: NONE, maxSize: NONE }],
    ["balanced", { maxAge: 30 * DAY, maxSize: 10 * GIB }],
    ["conservative", { maxAge: 30 * DAY, maxSize: 10 * GIB }],
    ["minimal", { maxAge: NONE, maxSize: NONE }],
  ] as const)("%s has a budget of its own", (strategy, budget) => {
    expect(budgetOf(strategy, {})).toEqual(budget);
    expect(budgetOf(strategy, { FLAVOR_CACHE_MAX_AGE: "", FLAVOR_CACHE_MAX_SIZE: "" })).toEqual(budget);
  });

  test.each(Object.keys(STRATEGIES) as CacheStrategy[])("the variables win over %s", (strategy) => {
    const env = { FLAVOR_CACHE_MAX_AGE: "2", FLAVOR_CACHE_MAX_SIZE: "5k" };
    expect(budgetOf(strategy, env)).toEqual({ maxAge: 2 * DAY, maxSize: 5120 });
    expect(budgetOf(strategy, { FLAVOR_CACHE_MAX_AGE: "Off", FLAVOR_CACHE_MAX_SIZE: "off" })).toEqual({
      maxAge: NONE,
      maxSize: NONE,
    });
  });
});

test.each([
  ["0", 0],
  ["1", DAY],
  ["30", 30 * DAY],
  ["12h", DAY / 2],
  ["30d", 30 * DAY],
  ["8w", 56 * DAY],
  ["8W", 56 * DAY],
  ["999999", 999_999 * DAY],
])("%j is an age", (text, age) => {
  expect(parseAge(text)).toBe(age);
});

test.each([
  ["0", 0],
  ["1234567", 1_234_567],
  ["1k", 1024],
  ["500M", 500 * 2 ** 20],
  ["10G", 10 * GIB],
  ["2t", 2 * 2 ** 40],
])("%j is a size", (text, size) => {
  expect(parseSize(text)).toBe(size);
});

test("every number with every unit is itself times the unit", () => {
  fc.assert(
    fc.property(fc.nat(999_999), fc.constantFrom("h", "d", "w"), (count, unit) => {
      expect(parseAge(`${count}${unit}`)).toBe(count * { h: DAY / 24, d: DAY, w: 7 * DAY }[unit]);
    }),
  );
});

describe("what is no limit is refused, with what would be one", () => {
  const wrong = [
    "x",
    "-1",
    "1.5",
    "1 d",
    " 1",
    "1y",
    "1GB",
    "0x10",
    "1e3",
    "infinity",
    "on",
    "12345678901234567890",
  ];
  test.each(wrong)("%j", async (text) => {
    expect(await failureOf(() => budgetOf("balanced", { FLAVOR_CACHE_MAX_AGE: text }))).toMatchObject({
      code: "bad-arguments",
      message: `Cannot use FLAVOR_CACHE_MAX_AGE=${JSON.stringify(text)}: it is no limit`,
      hint: 'use a number of days, or hours, days or weeks such as "12h", "30d" or "8w", or "off" for no limit',
    });
    expect(await failureOf(() => budgetOf("minimal", { FLAVOR_CACHE_MAX_SIZE: text }))).toMatchObject({
      code: "bad-arguments",
      message: `Cannot use FLAVOR_CACHE_MAX_SIZE=${JSON.stringify(text)}: it is no limit`,
      hint: 'use a number of bytes, or of units of 1024 such as "500M", "10G" or "1T", or "off" for no limit',
    });
  });
});

test.each([
  [{}, false],
  [{ CI: "" }, false],
  [{ CI: "false" }, false],
  [{ CI: "False" }, false],
  [{ CI: "true" }, true],
  [{ CI: "1" }, true],
])("%p is continuous integration: %p", (env, expected) => {
  expect(isContinuousIntegration(env)).toBe(expected);
});
