import { expect, test } from "bun:test";
import { resultsWith, rowWith } from "./fixture.ts";
import type { Measured, Row } from "./results.ts";
import { barLines, bytesText, number, quantity, seriesLines } from "./tables.ts";
import { headerText, measuredText } from "./text.ts";

test.each([
  [0, "0.00"],
  [0.5167, "0.52"],
  [9.994, "9.99"],
  [9.996, "10.0"],
  [99.94, "99.9"],
  [99.96, "100"],
  [1234.5, "1235"],
  [-12.34, "-12.3"],
])("%p is written as %p", (value, expected) => {
  expect(number(value)).toBe(expected);
});

test.each([
  [999, "1 kB"],
  [1e6, "1 MB"],
  [302_442_842, "302 MB"],
  [1e9, "1 GB"],
  [6 * 2 ** 30, "6.44 GB"],
])("%p bytes are written as %p", (bytes, expected) => {
  expect(bytesText(bytes)).toBe(expected);
});

test.each([
  [0.0188, "MB", "18.8 kB"],
  [0.5, "MB", "0.50 MB"],
  [0.05, "ms", "0.05 ms"],
] as const)("%p %s is written as %p", (value, unit, expected) => {
  expect(quantity(value, unit)).toBe(expected);
});

const value: Row["bars"][number] = { kind: "value", series: "flavor", limit: 160 };
const difference: Row["bars"][number] = { kind: "difference", series: "flavor", against: "tar", limit: 5 };

test("a series has its median, quartiles, rounds, and what its bars ask", () => {
  expect(seriesLines(rowWith([90, 80, 85], [100, 110]))).toEqual([
    ["flavor", "85.0 ms", "82.5 to 87.5", "3", "", "", ""],
    ["tar", "105 ms", "103 to 108", "2", "0.81", "≤ 0.80", "not met"],
  ]);
});

test.each<[string, Partial<Row>, readonly string[], readonly string[]]>([
  ["none", { bars: [] }, ["", "", ""], ["0.90", "", ""]],
  ["of ours alone", { bars: [value], unit: "MB" }, ["", "≤ 160 MB", "met"], ["0.90", "", ""]],
  ["a difference", { bars: [difference] }, ["", "", ""], ["−10.0 ms", "≤ +5 ms", "met"]],
])("a bar stands on the line of what it is about: %s", (_, more, ours, theirs) => {
  const lines = seriesLines(rowWith([90], [100], more));
  expect(lines.map((cells) => cells.slice(4))).toEqual([ours, theirs] as string[][]);
});

test("what is missing has a reason, and its bar is not met", () => {
  const row = rowWith([90], []);
  expect(seriesLines(row)[1]).toEqual(["tar", "skipped: tar is not here", "", "", "", "", ""]);
  expect(barLines(row)).toEqual([
    ["a cold start", "90.0 ms", "tar", "not measured", "", "≤ 0.80", "not measured"],
  ]);
  expect(barLines(rowWith([], [100]))[0]).toContain("not measured");
});

test("bars have a line each, with both sides", () => {
  const row = rowWith([70], [100]);
  expect(barLines({ ...row, bars: [...row.bars, value, difference] })).toEqual([
    ["a cold start", "70.0 ms", "tar", "100 ms", "0.70", "≤ 0.80", "met"],
    ["a cold start", "70.0 ms", "", "", "70.0 ms", "≤ 160 ms", "met"],
    ["a cold start", "70.0 ms", "tar", "100 ms", "−30.0 ms", "≤ +5 ms", "met"],
  ]);
});

test("what is printed has its columns under each other, also where a reason is long", () => {
  const row = rowWith([90, 80, 85], [], { notes: ["after 4.0 ms: the workenv is ready"] });
  const more = { name: "baré", samples: [1000] };
  const [measured] = resultsWith([{ ...row, series: [...row.series, more] }]).measurements;
  expect(measuredText(measured as Measured)).toBe(
    [
      "a cold start",
      "                             median     quartiles  rounds  ours to it  bar",
      "  flavor                    85.0 ms  82.5 to 87.5       3",
      "  tar                       skipped: tar is not here",
      "  baré                      1000 ms  1000 to 1000       1        0.09",
      "  after 4.0 ms: the workenv is ready",
      "some took 1 s",
      "",
    ].join("\n"),
  );
});

test("a measurement that failed says why", () => {
  const [measured] = resultsWith([], { outcome: "failed", reason: "there is no disk" }).measurements;
  expect(measuredText(measured as Measured)).toBe("some: failed: there is no disk\n");
});

test("the machine and all that took part are named, and quick runs say what they are", () => {
  const text = headerText({ ...resultsWith([]), mode: "quick" });
  for (const fact of [
    "quick",
    "figures mean nothing",
    "0123456789ab",
    "2 cores",
    "24 GiB",
    "tmpfs",
    "ext4",
    "tar 1.34",
    "a tree",
  ])
    expect(text).toContain(fact);
  expect(headerText(resultsWith([]))).not.toContain("quick");
});
