import { expect, test } from "bun:test";
import { pagePartsOf } from "./page.ts";
import { resultsWith, rowWith } from "./results/fixture.ts";
import type { Row } from "./results/results.ts";

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, ...rows].map((cells) => cells.join(" | ")).join("\n");

const partsOf = (rows: readonly Row[], more = {}) => pagePartsOf(resultsWith(rows, more), table);

test("what others do better stands there, the furthest first; what we do better, or against ourselves, does not", () => {
  const rows = [
    rowWith([110], [100], { what: "a little" }),
    rowWith([300], [], {
      what: "a lot",
      series: [
        { name: "flavor", samples: [300] },
        { name: "cp", samples: [200] },
        { name: "tar", samples: [100] },
        { name: "zip", samples: [400] },
      ],
    }),
    rowWith([90], [100], { what: "ours" }),
    rowWith([90], [], { what: "unknown" }),
    rowWith([9], [1], {
      what: "ourselves",
      series: [
        { name: "flavor", samples: [9] },
        { name: "flavor {bun}", samples: [1] },
      ],
    }),
  ];
  expect(partsOf(rows)["performance-losses"]).toBe(
    [
      "What | Ours | The best |  | Ours to it",
      "a lot | 300 ms | tar | 100 ms | 3.00",
      "a little | 110 ms | tar | 100 ms | 1.10",
    ].join("\n"),
  );
});

test("peers have one line each, with the reason where they were not measured", () => {
  const rows = [rowWith([8], [], { id: "warm-hello" }), rowWith([100], [], { id: "size-hello", unit: "MB" })];
  expect(partsOf(rows)["performance-hello"]).toBe(
    [
      " | warm start | first start | peak memory | file",
      "flavor | 8.00 ms |  |  | 100 MB",
      "tar | tar is not here |  |  | tar is not here",
    ].join("\n"),
  );
});

test("a peer that is missing everywhere for one reason has it once", () => {
  const rows = ["warm-tree", "cold-tree", "peak-tree", "size-tree"].map((id) => rowWith([8], [], { id }));
  expect(partsOf(rows)["performance-tree"]?.split("\n").at(-1)).toBe("tar | tar is not here |  |  | ");
});

test("sizes have one line each, smallest first", () => {
  const rows = [
    rowWith([8], [9], { id: "cold/b", size: 300e6 }),
    rowWith([1], [], { id: "cold/a", size: 1e6 }),
  ];
  expect(partsOf(rows)["performance-cold"]).toBe(
    ["Content | flavor | tar", "1 MB | 1.00 ms | tar is not here", "300 MB | 8.00 ms | 9.00 ms"].join("\n"),
  );
});

test("the machine's part names what was not measured", () => {
  const text = partsOf([], { outcome: "skipped", reason: "there is no disk" })["performance-machine"];
  expect(text).toContain("* `some` was skipped: there is no disk");
  expect(text).toContain("* load of the machine 0.1 before and 1.2 after");
});

test("no results leave tables without rows", () => {
  for (const text of Object.values(partsOf([]))) expect(text).not.toMatch(/undefined|NaN/);
});
