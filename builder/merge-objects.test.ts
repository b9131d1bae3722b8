import { expect, test } from "bun:test";
import fc from "fast-check";
import { isObject } from "../format/json-object.ts";
import { copyOfJson, mergeObjects } from "./merge-objects.ts";

test("objects are merged by their members, everything else is replaced", () => {
  const under = { a: { x: 1, y: [1, 2] }, b: 1, c: { z: 1 } };
  const over = { a: { y: [3], w: null }, b: { n: 1 }, c: 5 };
  expect(mergeObjects(under, over)).toEqual({ a: { x: 1, y: [3], w: null }, b: { n: 1 }, c: 5 });
});

test("a key named __proto__ is a key", () => {
  const merged = mergeObjects({}, JSON.parse('{"__proto__": {"polluted": 1}}'));
  expect(Object.keys(merged)).toEqual(["__proto__"]);
  expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
});

const objects = fc.dictionary(fc.string(), fc.jsonValue()).map((value) => copyOfJson(value));

test("merging with nothing or with itself changes nothing, and plain values of the second win", () => {
  fc.assert(
    fc.property(objects, objects, objects, (a, b, c) => {
      expect(mergeObjects(a, {})).toEqual(a);
      expect(mergeObjects({}, a)).toEqual(a);
      expect(mergeObjects(mergeObjects(a, a), b)).toEqual(mergeObjects(a, b));
      for (const [key, value] of Object.entries(b))
        if (!isObject(value)) expect(mergeObjects(a, b)[key]).toEqual(value);
      expect(mergeObjects(c, b)).toEqual(mergeObjects(c, mergeObjects(b, b)));
    }),
  );
});

test("a copy does not follow its original", () => {
  const inner = { x: 1 };
  const copy = copyOfJson({ inner, when: new Date(0), nothing: undefined });
  inner.x = 2;
  expect(copy).toEqual({ inner: { x: 1 }, when: "1970-01-01T00:00:00.000Z" });
});

const cyclic: Record<string, unknown> = {};
cyclic["self"] = cyclic;

test.each([
  ["a bigint", { n: 1n }],
  ["a cycle", cyclic],
  ["an array", []],
  ["null", null],
  ["text", "x"],
  ["a function", () => 1],
])("%s is no JSON object", (_, value) => {
  expect(() => copyOfJson(value as never)).toThrow(TypeError);
});
