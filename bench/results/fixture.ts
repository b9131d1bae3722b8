import type { Measured, Results, Row } from "./results.ts";

/** Results with some rows of one measurement. */
export const resultsWith = (rows: readonly Row[], more: Partial<Measured> = {}): Results => ({
  schema: 1,
  mode: "full",
  date: "2026-11-20T10:00:00.000Z",
  commit: "0123456789ab",
  machine: {
    cpu: "A processor",
    cores: 2,
    memory: 24 * 2 ** 30,
    system: "Linux 6.18",
    fileSystems: { work: "tmpfs", disk: "ext4" },
    load: [0.1, 1.2],
  },
  versions: { Bun: "1.4.5", tar: "1.34" },
  tree: "a tree",
  measurements: [{ name: "some", seconds: 1, outcome: "measured", rows, ...more }],
});

/** A row of ours against tar, which has not been measured when it has no samples. */
export const rowWith = (
  ours: readonly number[],
  theirs: readonly number[],
  more: Partial<Row> = {},
): Row => ({
  id: "cold",
  what: "a cold start",
  unit: "ms",
  series: [
    { name: "flavor", samples: ours },
    theirs.length > 0
      ? { name: "tar", samples: theirs }
      : { name: "tar", samples: [], missing: { why: "skipped", reason: "tar is not here" } },
  ],
  bars: [{ kind: "ratio", series: "flavor", against: "tar", limit: 0.8 }],
  notes: [],
  ...more,
});
