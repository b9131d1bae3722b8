import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatPart, formatSize } from "./size-text.ts";

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
  [0, 12_345_678, "0.0/12.3 MB"],
  [1_500_000, 12_345_678, "1.5/12.3 MB"],
  [12_345_678, 12_345_678, "12.3/12.3 MB"],
  [7, 999, "7/999 B"],
  [620e6, 1.234e9, "0.62/1.23 GB"],
  [1, 5e12, "0.00/5.00 TB"],
])("%p of %p bytes are %p", (bytes, whole, text) => {
  expect(formatPart(bytes, whole)).toBe(text);
});
