import { expect, test } from "bun:test";
import { resultsWith, rowWith } from "./fixture.ts";
import { hasFailed, judge } from "./judge.ts";
import type { Bar, Measured } from "./results.ts";

const row = rowWith([90, 80, 85], [100, 100]);
const bar = (kind: Bar["kind"], limit: number): Bar => {
  const bar = { kind, series: "flavor", limit };
  return kind === "value" ? bar : { ...bar, against: "tar" };
};

test.each([
  [bar("ratio", 0.85), 0.85, true],
  [bar("ratio", 0.84), 0.85, false],
  [bar("difference", -15), -15, true],
  [bar("difference", -16), -15, false],
  [bar("value", 85), 85, true],
  [bar("value", 84), 85, false],
])("%p has the value %p; met: %p", (asked, value, met) => {
  expect(judge(row, asked)).toEqual({ bar: asked, value, met });
});

test.each([bar("ratio", 100), bar("difference", 100)])(
  "%p is not met when the other was not measured",
  (asked) => {
    expect(judge(rowWith([1], []), asked)).toEqual({ bar: asked, value: undefined, met: false });
  },
);

test("nothing is met by a series that is not there", () => {
  const asked: Bar = { kind: "value", series: "nobody", limit: 100 };
  expect(judge(row, asked)).toEqual({ bar: asked, value: undefined, met: false });
});

test.each<[string, Partial<Measured>, boolean]>([
  ["measured", {}, false],
  ["skipped", { outcome: "skipped", rows: [] }, false],
  ["failed", { outcome: "failed", rows: [] }, true],
  ["measured with a series that was skipped", { rows: [rowWith([1], [])] }, false],
  [
    "measured with a series that failed",
    {
      rows: [
        rowWith([1], [], { series: [{ name: "tar", samples: [], missing: { why: "failed", reason: "" } }] }),
      ],
    },
    true,
  ],
])("what was %s has failed, or not", (_, more, expected) => {
  expect(hasFailed(resultsWith([row], more).measurements[0] as Measured)).toBe(expected);
});
