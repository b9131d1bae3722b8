import { expect, test } from "bun:test";
import fc from "fast-check";
import { globMatcher, namesMeant } from "./globs.ts";

test.each([
  ["*", "", true],
  ["*", "a\nb", true],
  ["a*", "a", true],
  ["a*", "ba", false],
  ["a?c", "abc", true],
  ["a?c", "ac", false],
  ["[abc]", "b", true],
  ["[a-c]x", "bx", true],
  ["[!a-c]x", "bx", false],
  ["[!a-c]x", "dx", true],
  ["[^]", "^", true],
  ["[c-a]", "b", false],
  ["[c-ax]", "x", true],
  ["[!c-a]", "b", true],
  ["[😀-😁]", "x", false],
  ["[", "[", true],
  ["a[", "a[", true],
  ["[]", "[]", true],
  ["a.c", "abc", false],
  ["(a|b)+", "(a|b)+", true],
  ["^a$", "^a$", true],
  ["a\\*", "a\\b", true],
  ["[pz-a-b]", "p", true],
  ["[pz-a-b]", "-", true],
  ["[pz-a-b]", "q", false],
  ["a*b*c", "abbc", true],
  ["a*b*c", "acb", false],
  ["*aa", "aaa", true],
])("%j on %j: %p", (glob, name, matches) => {
  expect(globMatcher(glob)(name)).toBe(matches);
});

const anything = fc.string({
  unit: fc.constantFrom("a", "b", "-", "[", "]", "!", "^", "*", "?", "\\", ".", "(", "{", "\n"),
});

test("every text is a glob", () => {
  fc.assert(fc.property(anything, anything, (glob, name) => expect(globMatcher(glob)(name)).toBeBoolean()));
});

test("a text without special characters matches itself and nothing else", () => {
  const plain = fc.string({ unit: "grapheme" }).filter((text) => !/[*?[]/.test(text));
  fc.assert(fc.property(plain, plain, (glob, name) => expect(globMatcher(glob)(name)).toBe(glob === name)));
});

test("many stars take no longer than few", () => {
  // As one regular expression, this would not end before the test does.
  expect(globMatcher(`${"*a".repeat(30)}b`)("a".repeat(200))).toBe(false);
  expect(globMatcher(`${"*a".repeat(30)}*`)("a".repeat(200))).toBe(true);
});

test("a star matches whatever stands in its place", () => {
  const plain = fc.string({ unit: "grapheme" }).filter((text) => !/[*?[]/.test(text));
  fc.assert(
    fc.property(plain, plain, anything, (before, after, middle) =>
      expect(globMatcher(`${before}*${after}`)(before + middle + after)).toBe(true),
    ),
  );
});

const NAMES = ["HOME", "Home", "LC_ALL", "LC_TIME", "LC_", "A_LC_B", "B", ""];

test.each([
  [[], false, []],
  [["HOME"], false, ["HOME"]],
  [["HOME"], true, ["HOME", "Home"]],
  [["NOTHING", "B"], false, ["B"]],
  [["LC_*"], false, ["LC_ALL", "LC_TIME", "LC_"]],
  [["*_*B"], false, ["A_LC_B"]],
  [["*B"], false, ["A_LC_B", "B"]],
  [["LC*_"], false, ["LC_"]],
  [["LC_*_"], false, []],
  [["H?ME", "L[C]_A*"], false, ["HOME", "LC_ALL"]],
  [["h*"], true, ["HOME", "Home"]],
  [["h*"], false, []],
  [["*"], false, NAMES],
  [[""], false, [""]],
])("%j with any case %p means %j", (patterns, anyCase, meant) => {
  expect([...namesMeant(patterns, NAMES, anyCase)].sort()).toEqual([...meant].sort());
});

test("property: a name is meant when a matcher of one of the patterns says so", () => {
  const texts = fc.array(fc.string({ unit: fc.constantFrom("a", "A", "b", "*", "?", "[", "]") }), {
    maxLength: 5,
  });
  fc.assert(
    fc.property(
      texts,
      fc.uniqueArray(fc.string({ unit: fc.constantFrom("a", "A", "b") })),
      fc.boolean(),
      (patterns, names, anyCase) => {
        const matchers = patterns.map((pattern) => globMatcher(pattern, anyCase ? "i" : ""));
        const expected = names.filter((name) => matchers.some((matches) => matches(name)));
        expect([...namesMeant(patterns, names, anyCase)].sort()).toEqual(expected.sort());
      },
    ),
  );
});
