import { expect, test } from "bun:test";
import fc from "fast-check";
import { PspfError } from "../errors.ts";
import { parseStrictJson } from "./strict-json.ts";

test("parses whatever JSON.stringify writes to the same value", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 8 }), (text) => {
      expect(JSON.stringify(parseStrictJson(text))).toBe(JSON.stringify(JSON.parse(text)));
    }),
  );
});

test("accepts nothing that JSON.parse refuses, and throws nothing but a named error", () => {
  const noise = fc.string({
    unit: fc.constantFrom(...'{}[]:,"\\u00ab1.e-+ \ntrufalsn\u0001'),
    maxLength: 24,
  });
  fc.assert(
    fc.property(noise, (text) => {
      try {
        parseStrictJson(text);
      } catch (error) {
        expect(error).toBeInstanceOf(PspfError);
        return;
      }
      JSON.parse(text);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ['{"a":1,"a":2}', 'the key "a" stands twice in one object, at line 1, column 8'],
  ['{"a":{"b":1,\n"\\u0062":2}}', 'the key "b" stands twice in one object, at line 2, column 1'],
  ['{"__proto__":1,"__proto__":2}', 'the key "__proto__" stands twice in one object, at line 1, column 16'],
  ['{"a":1} x', "text after the end of the document at line 1, column 9"],
  ["{}{}", "text after the end of the document at line 1, column 3"],
  ['{"a":1,}', "expected a string at line 1, column 8"],
  ["[1,]", "expected a value at line 1, column 4"],
  ["01", "text after the end of the document at line 1, column 2"],
  ["'a'", "expected a value at line 1, column 1"],
  ['"a\tb"', "expected a string at line 1, column 1"],
  ["", "expected a value at line 1, column 1"],
  ['{"a":"\\ud800"}', "half of a surrogate pair at line 1, column 6"],
  ['{"\\udc00\\ud800":1}', "half of a surrogate pair at line 1, column 2"],
  ["\uFEFF{}", "expected a value at line 1, column 1"],
])("refuses %j: %s", (text, state) => {
  expect(() => parseStrictJson(text)).toThrow(
    new PspfError("metadata-invalid", `Cannot parse the JSON: ${state}`),
  );
});

test("a key named __proto__ stays a key", () => {
  const value = parseStrictJson('{"__proto__":{"polluted":true}}') as Record<string, unknown>;
  expect(Object.keys(value)).toEqual(["__proto__"]);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test.each([
  ["[", "]"],
  ['{"a":', "}"],
])("ends at 64 levels of %s", (open, close) => {
  const nested = (depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`;
  expect(() => parseStrictJson(nested(64))).not.toThrow();
  expect(() => parseStrictJson(nested(65))).toThrow("nested too deeply");
  expect(() => parseStrictJson("[".repeat(200_000))).toThrow(PspfError);
});
