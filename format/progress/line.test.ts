import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { progressLine, type StepState } from "./line.ts";

const MB = 1_000_000;
const step = (more: Partial<StepState> = {}): StepState => ({
  label: "verifying app.psp",
  done: 135.2 * MB,
  total: 300 * MB,
  rate: 210.4 * MB,
  elapsed: 1200,
  ...more,
});

describe("a step on a terminal", () => {
  test.each([
    [
      120,
      "verifying app.psp  [=============>                ]   45%  135.2/300.0 MB  210.4 MB/s   0:01 left",
    ],
    [80, "verifying app.psp  [=====>      ]   45%  135.2/300.0 MB  210.4 MB/s   0:01 left"],
    [79, "verifying app.psp  [====>      ]   45%  135.2/300.0 MB  210.4 MB/s   0:01 left"],
    [78, "verifying app.psp  [====>     ]   45%  135.2/300.0 MB  210.4 MB/s   0:01 left"],
    [77, "verifying app.psp  [====>    ]   45%  135.2/300.0 MB  210.4 MB/s   0:01 left"],
    [76, "verifying app.psp  [===>    ]   45%  135.2/300.0 MB  210.4 MB/s   0:01 left"],
    [75, "verifying app...  [===>    ]   45%  135.2/300.0 MB  210.4 MB/s   0:01 left"],
    [74, "verifying app.psp   45%  135.2/300.0 MB  210.4 MB/s   0:01 left"],
    [60, "verifying app.psp   45%  210.4 MB/s   0:01 left"],
    [40, "verifying app.psp   45%   0:01 left"],
    [24, "verifying app.psp   45%"],
    [20, "45%"],
    [4, "45%"],
    [3, ""],
    [0, ""],
    [-1, ""],
  ])("that is %d columns wide", (columns, line) => {
    expect(progressLine(step(), columns)).toBe(line);
  });

  test.each<[string, Partial<StepState>, string]>([
    ["nothing is known of the rate", { rate: undefined }, "[====>     ]   45%  135.2/300.0 MB"],
    ["it stands still", { rate: 0 }, "[====>     ]   45%  135.2/300.0 MB       0 B/s"],
    ["it has just begun", { done: 0 }, "[>         ]    0%    0.0/300.0 MB  210.4 MB/s   0:02 left"],
    [
      "it is nearly done",
      { done: 300 * MB - 1 },
      "[=========>]   99%  300.0/300.0 MB  210.4 MB/s   0:01 left",
    ],
    ["it is done", { done: 300 * MB }, "[==========]  100%  300.0/300.0 MB  210.4 MB/s"],
    ["more was done than there is", { done: 310 * MB }, "[==========]  100%  300.0/300.0 MB  210.4 MB/s"],
    ["it takes minutes", { rate: 1.5 * MB }, "[====>     ]   45%  135.2/300.0 MB    1.5 MB/s   1:50 left"],
    ["it takes hours", { rate: 4e4 }, "[===>    ]   45%  135.2/300.0 MB   40.0 KB/s  1:08:40 left"],
    ["it takes days", { rate: 10 }, "[====>     ]   45%  135.2/300.0 MB      10 B/s"],
    ["no total is known", { total: undefined }, "135.2 MB  210.4 MB/s  0:01"],
    ["the total is 0", { total: 0 }, "135.2 MB  210.4 MB/s  0:01"],
    ["no bytes are counted", { total: undefined, done: 0, rate: undefined, elapsed: 61_500 }, "1:01"],
  ])("where %s", (_, more, facts) => {
    expect(progressLine(step({ label: "it", ...more }), 63)).toBe(`it  ${facts}`);
  });

  test.each([
    ["\u001b[2J\u0007evil\r\n", "\\u001b[2J\\u0007evil\\u000d\\u000a"],
    ["\u202egpj.exe", "\\u202egpj.exe"],
    ["half a \ud83d pair", "half a \ufffd pair"],
    ["数据.psp", "数据.psp"],
  ])("with the label %j", (label, shown) => {
    expect(progressLine(step({ label, total: undefined, done: 0 }), 80)).toBe(`${shown}  0:01`);
  });

  test.each([
    ["数据", "数据数据数据数据数..."],
    // wide in some terminals
    ["→", "→→→→→→→→→..."],
    ["x", "xxxxxxxxxxxxxxxxxx..."],
  ])("of a long label of %s the end is cut", (character, cut) => {
    expect(progressLine(step({ label: character.repeat(30) }), 80)).toBe(
      `${cut}  [===>    ]   45%  135.2/300.0 MB  210.4 MB/s   0:01 left`,
    );
  });
});

const labels = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: "grapheme", maxLength: 60 }),
  fc.constantFrom("👩‍👩‍👧‍👦".repeat(20), "❤️".repeat(20), "\u001b[1m", "a\u0301".repeat(40), ""),
);
const bytes = fc.oneof(fc.maxSafeNat(), fc.nat(5000), fc.constant(0));
const steps: fc.Arbitrary<StepState> = fc.record({
  label: labels,
  done: bytes,
  total: fc.option(bytes, { nil: undefined }),
  rate: fc.option(fc.oneof(fc.double({ min: 0, max: 1e15, noNaN: true }), fc.constant(5e-324)), {
    nil: undefined,
  }),
  elapsed: fc.double({ min: 0, max: 1e12, noNaN: true }),
});

/** The most columns that any terminal gives a text: one that joins nothing, and shows everything that is there. */
const widest = (text: string): number =>
  [...text].reduce((sum, it) => sum + Math.max(1, Bun.stringWidth(it, { ambiguousIsNarrow: false })), 0);

describe("whatever the step and however narrow the terminal", () => {
  test("a line leaves the last column free", () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: -5, max: 200 }), (state, columns) => {
        expect(widest(progressLine(state, columns))).toBeLessThanOrEqual(Math.max(0, columns - 1));
      }),
    );
  });

  test("nothing in it steers the terminal", () => {
    fc.assert(
      fc.property(steps, fc.nat(200), (state, columns) => {
        expect(progressLine(state, columns)).not.toMatch(
          /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u,
        );
      }),
    );
  });

  test("percent and time left are what the numbers say", () => {
    fc.assert(
      fc.property(steps, (state) => {
        const line = progressLine({ ...state, label: "it" }, 120);
        const percent = /(\d+)%/.exec(line)?.[1];
        expect(percent !== undefined).toBe((state.total ?? 0) > 0);
        if (state.total === undefined || state.total === 0) return;
        expect(percent === "100").toBe(state.done >= state.total);
        const [, time] = /(\d[\d:]*) left/.exec(line) ?? [];
        const left = state.done >= state.total ? 0 : (state.total - state.done) / (state.rate || 1e-300);
        expect(time !== undefined).toBe(left > 0 && Math.ceil(left) < 360_000);
        if (time === undefined) return;
        const seconds = time.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
        expect(seconds).toBe(Math.ceil(left));
      }),
    );
  });
});
