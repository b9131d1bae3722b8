import { expect, test } from "bun:test";
import fc from "fast-check";
import { fitsAny, fitsPattern } from "./package-patterns.ts";

test.each([
  ["app", "app", true],
  ["app", "App", false],
  ["app", "ap", false],
  ["app", "appp", false],
  ["app", "*", true],
  ["", "*", true],
  ["", "", true],
  ["app", "", false],
  ["app", "a*", true],
  ["app", "*p", true],
  ["app", "a*p", true],
  ["ap", "a*p", true],
  ["a", "a*a", false],
  ["aa", "a*a", true],
  ["acme-tool", "acme-*", true],
  ["acme", "acme-*", false],
  ["not-acme-tool", "acme-*", false],
  ["a-b-c", "a*b*c", true],
  ["a-c-b", "a*b*c", false],
  ["abcabc", "*abc", true],
  ["abab", "*ab*ab", true],
  ["ab", "*ab*ab", false],
  ["a**b", "a**b", true],
  ["ab", "a**b", true],
  // No other character means anything.
  ["app", "a?p", false],
  ["app", "a.p", false],
  ["app", "[a]pp", false],
  ["a?p", "a?p", true],
  ["über", "ü*", true],
] as const)("%j fits %j: %p", (name, pattern, fits) => {
  expect(fitsPattern(name, pattern)).toBe(fits);
});

test("as a regular expression would have it", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
  fc.assert(
    fc.property(text, text, (name, pattern) => {
      const expression = new RegExp(`^${pattern.replaceAll("*", ".*")}$`, "s");
      expect(fitsPattern(name, pattern)).toBe(expression.test(name));
    }),
  );
});

test("a pattern that would keep a regular expression busy for ever", () => {
  expect(fitsPattern("a".repeat(100_000), `${"*a".repeat(1000)}*b`)).toBe(false);
});

test("no pattern fits any name, and of several one is enough", () => {
  expect(fitsAny("app", [])).toBe(true);
  expect(fitsAny("app", ["b*", "a*"])).toBe(true);
  expect(fitsAny("app", ["b*", "c*"])).toBe(false);
});
