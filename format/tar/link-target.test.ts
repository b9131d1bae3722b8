import { expect, test } from "bun:test";
import { normalize } from "node:path/posix";
import fc from "fast-check";
import { faultOfLinkTarget } from "./link-target.ts";

const windows = { windows: true };
const posix = { windows: false };

test.each([
  ["a", "b"],
  ["a", "."],
  ["a", "./b/c"],
  ["a", "missing"],
  ["lib64", "lib"],
  ["a/b", "../c"],
  ["a/b", ".."],
  ["a/b/c", "../../d/e"],
  ["a//b", "../c"],
  ["a/b", ".//../c"],
  ["a", "..b/...c"],
])("%s may point to %s", (path, target) => {
  expect(faultOfLinkTarget(path, target, posix)).toBeUndefined();
  expect(faultOfLinkTarget(path, target, windows)).toBeUndefined();
});

test.each([
  ["a", ""],
  ["a", "/"],
  ["a", "/etc/passwd"],
  ["a", ".."],
  ["a", "../b"],
  ["a/b", "../.."],
  ["./a", "../b"],
  ["a//b", "../../c"],
  ["a/b", "..//../c"],
  ["a", "b/.."],
  ["a/b", "../c/../../d"],
  ["a", "b\0c"],
])("%j may not point to %j", (path, target) => {
  expect(faultOfLinkTarget(path, target, posix)).toBeString();
  expect(faultOfLinkTarget(path, target, windows)).toBeString();
});

test.each(["C:/x", "C:x", "..\\..\\x", "\\\\server\\x", "a/nul", "b."])("Windows refuses %j", (target) => {
  expect(faultOfLinkTarget("a", target, posix)).toBeUndefined();
  expect(faultOfLinkTarget("a", target, windows)).toBeString();
});

test("what is allowed stays inside, by the arithmetic of paths", () => {
  const steps = fc.array(fc.constantFrom("..", ".", "", "a", "b"), { minLength: 1, maxLength: 6 });
  const names = fc.array(fc.constantFrom("a", "b", "."), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(names, steps, (at, to) => {
      const [path, target] = [`${at.join("/")}/link`, to.join("/")];
      const reached = normalize(`${path}/../${target}`);
      const inside =
        reached !== ".." && !reached.startsWith("../") && !target.startsWith("/") && target !== "";
      const climbsLater = /(^|\/)[ab]\/(.*\/)?\.\.(\/|$)/.test(target);
      expect(faultOfLinkTarget(path, target, posix) === undefined).toBe(inside && !climbsLater);
    }),
  );
});
