import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PspfError } from "../errors.ts";
import { type Members, memberPath, Problems } from "./problems.ts";

const found = (read: (p: Problems) => unknown): readonly string[] => {
  const problems = new Problems();
  read(problems);
  return problems.found;
};

describe("a member of the wrong kind is named with its path", () => {
  test.each([
    ["a.s: expected a string, got nothing", (p: Problems) => p.string({}, "s", "a")],
    ["a.s: expected a string, got 3", (p: Problems) => p.string({ s: 3 }, "s", "a")],
    ["s: expected a string, got null", (p: Problems) => p.string({ s: null }, "s", "")],
    ["s: expected a string, got an array", (p: Problems) => p.optionalString({ s: [] }, "s", "")],
    ["s: expected a string, got a date", (p: Problems) => p.optionalString({ s: new Date(0) }, "s", "")],
    ["constructor: expected a string, got nothing", (p: Problems) => p.string({}, "constructor", "")],
    ["n: expected a whole number from 0, got -1", (p: Problems) => p.integer({ n: -1 }, "n", "")],
    [
      "n: expected a whole number from 1 to 9, got 10",
      (p: Problems) => p.integer({ n: 10 }, "n", "", { min: 1, max: 9 }),
    ],
    ["n: expected a whole number from 0, got 1.5", (p: Problems) => p.optionalInteger({ n: 1.5 }, "n", "")],
    ['b: expected true or false, got "yes"', (p: Problems) => p.boolean({ b: "yes" }, "b", "")],
    ["b: expected true or false, got 1", (p: Problems) => p.optionalBoolean({ b: 1 }, "b", "")],
    ["o: expected an object, got an array", (p: Problems) => p.object([], "o")],
    ["o: expected an object, got true", (p: Problems) => p.optionalObject({ o: true }, "o", "")],
    ["l: expected an array, got nothing", (p: Problems) => p.array({}, "l", "", () => 0)],
    ["l: expected an array, got an object", (p: Problems) => p.optionalArray({ l: {} }, "l", "", () => 0)],
    ["l[1]: expected a string, got 7", (p: Problems) => p.strings({ l: ["a", 7] }, "l", "")],
    ["m.k: expected a string, got false", (p: Problems) => p.stringMap({ m: { k: false } }, "m", "")],
    ['m["a b"]: expected a string, got 1', (p: Problems) => p.stringMap({ m: { "a b": 1 } }, "m", "")],
    [
      'c: expected one of red, blue, got "green"',
      (p: Problems) => p.oneOf({ c: "green" }, "c", "", ["red", "blue"]),
    ],
  ] as const)("%s", (line, read) => {
    expect(found(read)).toEqual([line]);
  });
});

test("good members come back as they are, without a problem", () => {
  const doc = { s: "x", n: 5, b: false, o: { k: "v" }, l: ["a", "b"], c: "blue", none: null };
  const p = new Problems();
  expect(p.string(doc, "s", "")).toBe("x");
  expect(p.integer(doc, "n", "", { min: 5, max: 5 })).toBe(5);
  expect(p.boolean(doc, "b", "")).toBe(false);
  expect(p.object(doc.o, "o")).toBe(doc.o);
  expect(p.stringMap(doc, "o", "")).toEqual({ k: "v" });
  expect(p.strings(doc, "l", "")).toEqual(["a", "b"]);
  expect(p.array(doc, "l", "", (value, path) => `${path}=${value}`)).toEqual(["l[0]=a", "l[1]=b"]);
  expect(p.oneOf(doc, "c", "", ["red", "blue"])).toBe("blue");
  for (const key of ["absent", "none"]) {
    expect(p.optionalString(doc, key, "")).toBeUndefined();
    expect(p.optionalInteger(doc, key, "")).toBeUndefined();
    expect(p.optionalBoolean(doc, key, "")).toBeUndefined();
    expect(p.octalMode(doc, key, "")).toBeUndefined();
    expect(p.strings(doc, key, "")).toEqual([]);
    expect(p.stringMap(doc, key, "")).toEqual({});
  }
  expect(p.found).toEqual([]);
  p.throwIfAny("metadata-invalid", "Cannot happen");
});

test.each([
  ["0755", 0o755],
  ["755", 0o755],
  ["0o755", 0o755],
  ["00644", 0o644],
  ["0", 0],
  [493, 0o755],
  ["7777", 0o7777],
] as const)("mode %p is read as %p", (text, mode) => {
  const p = new Problems();
  expect(p.octalMode({ mode: text }, "mode", "")).toBe(mode);
  expect(p.found).toEqual([]);
});

test.each([["0788"], [""], ["rwx"], ["-1"], ["0x1ff"], ["0o"], ["10000"], [4096], [-1], [1.5], [true]])(
  "mode %p is refused, not changed",
  (value) => {
    expect(found((p) => p.octalMode({ mode: value }, "mode", ""))).toEqual([
      `mode: expected octal mode bits such as "0755", got ${JSON.stringify(value)}`,
    ]);
  },
);

test("all problems are thrown at once, with code, message and hint", () => {
  const p = new Problems();
  p.string({}, "name", "package");
  p.add("", "no slots");
  try {
    p.throwIfAny("manifest-invalid", "Cannot use it", "read the manual");
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(PspfError);
    expect(error).toMatchObject({
      code: "manifest-invalid",
      message: "Cannot use it",
      hint: "read the manual",
      problems: ["package.name: expected a string, got nothing", "no slots"],
    });
  }
});

test("a flood of problems is cut, and says so", () => {
  const p = new Problems();
  for (let n = 0; n < 130; n++) p.add(`slots[${n}]`, "bad");
  try {
    p.throwIfAny("metadata-invalid", "Cannot use it");
    expect.unreachable();
  } catch (error) {
    const { problems } = error as PspfError;
    expect(problems.length).toBe(101);
    expect(problems.at(-1)).toBe("and 30 more");
  }
});

test("keys that are no plain words are quoted in paths", () => {
  expect(memberPath("a[0]", "b")).toBe("a[0].b");
  expect(memberPath("", "b")).toBe("b");
  expect(memberPath("a", 'x"y')).toBe('a["x\\"y"]');
  expect(memberPath("a", "")).toBe('a[""]');
});

test("__proto__ in a document is only a key", () => {
  const doc = JSON.parse('{"env":{"__proto__":"x"}}') as Members;
  const map = new Problems().stringMap(doc, "env", "");
  expect(Object.entries(map)).toEqual([["__proto__", "x"]]);
});

test("a member with a problem is known by its path", () => {
  const p = new Problems();
  p.string({}, "name", "package");
  expect([p.hasAt("package.name"), p.hasAt("package"), p.hasAt("name")]).toEqual([true, false, false]);
});

test("zero, false and empty are values, not absent", () => {
  const doc = { n: 0, b: false, s: "" };
  const p = new Problems();
  expect([
    p.optionalInteger(doc, "n", ""),
    p.optionalBoolean(doc, "b", ""),
    p.optionalString(doc, "s", ""),
  ]).toEqual([0, false, ""]);
});

test("what could steer a terminal is shown as an escape", () => {
  const steering = "\u009b31m\u202e\n";
  expect(found((p) => p.oneOf({ c: steering }, "c", "", ["a"]))).toEqual([
    'c: expected one of a, got "\\u009b31m\\u202e\\n"',
  ]);
  expect(found((p) => p.add(steering, "bad"))).toEqual(["\\u009b31m\\u202e\\u000a: bad"]);
});

test("property: no document breaks a reader, a line or the terminal", () => {
  const readers = [
    (p: Problems, d: Members, k: string) => typeof p.string(d, k, "") === "string",
    (p: Problems, d: Members, k: string) => Number.isSafeInteger(p.integer(d, k, "", { min: 0, max: 9 })),
    (p: Problems, d: Members, k: string) => typeof p.boolean(d, k, "") === "boolean",
    (p: Problems, d: Members, k: string) => p.strings(d, k, "").every((each) => typeof each === "string"),
    (p: Problems, d: Members, k: string) =>
      Object.values(p.stringMap(d, k, "")).every((v) => typeof v === "string"),
    (p: Problems, d: Members, k: string) => (p.octalMode(d, k, "") ?? 0) <= 0o7777,
    (p: Problems, d: Members, k: string) => p.oneOf(d, k, "", ["a", "b"]).length === 1,
  ];
  const anything = fc.anything({ withDate: true, withBigInt: true, withNullPrototype: true });
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), anything, fc.constantFrom(...readers), (key, value, read) => {
      const p = new Problems();
      expect(read(p, Object.fromEntries([[key, value]]), key)).toBe(true);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: a problem must not contain any
      for (const line of p.found) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
    }),
  );
});

test("a long key is cut in paths, and what is kept of a flood is little", () => {
  const p = new Problems();
  const key = "k".repeat(300_000);
  for (let i = 0; i < 100_000; i++) p.add(`${memberPath("", key)}[${i}]`, "wrong");
  expect(memberPath("", key)).toBe(`["${"k".repeat(99)}…"]`);
  expect(p.found.length).toBe(1000);
  expect(() => p.throwIfAny("metadata-invalid", "Cannot use it")).toThrow(
    expect.objectContaining({ problems: expect.arrayContaining(["and more than 900 more"]) }),
  );
});
