import type { Bar, Measured, Row } from "./results.ts";
import { median } from "./stats.ts";

/** What a bar asks of a row and what the row has. */
export interface Judgement {
  readonly bar: Bar;
  /** The median, ratio or difference; undefined where a series has no samples. */
  readonly value: number | undefined;
  /** False also where nothing was measured. */
  readonly met: boolean;
}

export function judge(row: Row, bar: Bar): Judgement {
  const value = measuredValue(row, bar);
  return { bar, value, met: value !== undefined && value <= bar.limit };
}

function measuredValue(row: Row, { kind, series, against }: Bar): number | undefined {
  const ours = medianOf(row, series);
  const theirs = against === undefined ? undefined : medianOf(row, against);
  if (ours === undefined) return undefined;
  if (kind === "value") return ours;
  if (theirs === undefined) return undefined;
  return kind === "ratio" ? ours / theirs : ours - theirs;
}

/** The median of a series of a row; undefined where there is none. */
export function medianOf(row: Row, name: string): number | undefined {
  const samples = row.series.find((series) => series.name === name)?.samples ?? [];
  return samples.length === 0 ? undefined : median(samples);
}

/** Whether anything went wrong, which is more than not reaching a bar. */
export const hasFailed = ({ outcome, rows }: Measured): boolean =>
  outcome === "failed" ||
  rows.some(({ series }) => series.some(({ missing }) => missing !== undefined && missing.why === "failed"));
