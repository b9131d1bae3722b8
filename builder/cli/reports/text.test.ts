import { expect, test } from "bun:test";
import fc from "fast-check";
import { columns, counted, formatSize, plain, plainLines, shortPath } from "./text.ts";

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 KB"],
  [999_949, "999.9 KB"],
  [999_960, "1.0 MB"],
  [112_926_686, "112.9 MB"],
  [5e15, "5000.0 TB"],
])("%p bytes are %p", (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});

test("a larger size never looks smaller", () => {
  const value = (text: string) =>
    Number.parseFloat(text) * 1000 ** ["B", "KB", "MB", "GB", "TB"].indexOf(text.split(" ")[1] ?? "");
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
      const [small, large] = a < b ? [a, b] : [b, a];
      expect(value(formatSize(large))).toBeGreaterThanOrEqual(value(formatSize(small)));
    }),
  );
});

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
