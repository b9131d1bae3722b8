import { expect, test } from "bun:test";
import fc from "fast-check";
import { columns, counted, plain, plainLines, shortPath } from "./text.ts";

test.each([
  ["a\u001b[31mred", "a\\u001b[31mred"],
  ["two\nlines\r", "two\\u000alines\\u000d"],
  ["\u202egpj.exe", "\\u202egpj.exe"],
  ["Grüße 📦", "Grüße 📦"],
])("%j is printed as %j", (text, shown) => {
  expect(plain(text)).toBe(shown);
});

test("whatever a package says, it neither breaks a line nor steers a terminal", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(plain(text)).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
      expect(plainLines(text).split("\n").length).toBe(text.split("\n").length);
    }),
  );
});

test("columns are as wide as their widest cell, ends are cut", () => {
  const rows = [
    ["a", "1", "x"],
    ["long", "22"],
    ["📦", "333", "y"],
  ];
  expect(columns(rows, ["left", "right"])).toBe("a       1  x\nlong   22\n📦    333  y");
  expect(columns([])).toBe("");
});

test.each([
  ["/a/b/c", "/a/b", "c"],
  ["/a/b", "/a/b", "/a/b"],
  ["/a/x", "/a/b", "/a/x"],
  ["/other", "/a/b", "/other"],
])("%p seen from %p is %p", (path, cwd, short) => {
  expect(shortPath(path, cwd)).toBe(short);
});

test.each([
  [0, "0 slots"],
  [1, "1 slot"],
  [2, "2 slots"],
])("%p is counted as %p", (count, text) => {
  expect(counted(count, "slot")).toBe(text);
});
