import { expect, test } from "bun:test";
import { PspfError } from "../../format/errors.ts";
import { matcherOf } from "./patterns.ts";

test.each([
  ["a", "a", true],
  ["a", "d/a", false],
  ["./a/", "a", true],
  ["*.pyc", "x.pyc", true],
  ["*.pyc", "d/x.pyc", false],
  ["**/*.pyc", "x.pyc", true],
  ["**/*.pyc", ".d/e/x.pyc", true],
  ["d/**", "d/e/f", true],
  ["d/**", "d", false],
  ["**", ".hidden/x", true],
  ["{a,b}/?", "b/c", true],
  ["[ab]", "c", false],
  ["é/\u{1f4e6}", "é/\u{1f4e6}", true],
])("%s and %s: %p", (pattern, path, matches) => {
  expect(matcherOf([pattern])(path)).toBe(matches);
});

test("one of several is enough, none never is", () => {
  expect(matcherOf(["a", "b"])("b")).toBeTrue();
  expect(matcherOf([])("b")).toBeFalse();
});

test.each(["", "./", "/etc", "../x", "a/../b", "!a"])("%j could never match", (pattern) => {
  expect(() => matcherOf([pattern])).toThrow(PspfError);
});
