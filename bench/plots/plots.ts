import { medianOf } from "../results/judge.ts";
import { type Results, rowOf, sizedRows } from "../results/results.ts";
import { summaryOf } from "../results/stats.ts";
import { bytesText, number } from "../results/tables.ts";
import { barPlot } from "./bars.ts";
import { type Line, linePlot } from "./lines.ts";

/** The drawings of docs/performance.md by their file names; they come from the results alone. */
export const plotsOf = (results: Results): Readonly<Record<string, string>> => ({
  "cold.svg": linePlot({
    title: "First start against the size of what is unpacked",
    xLabel: "size of the content",
    yLabel: "time, ms",
    xText: bytesText,
    yText: String,
    lines: linesOf(results, "cold/"),
  }),
  "warm.svg": barPlot({
    title: "Warm start of a program that says hello",
    xLabel: "time; the axis goes by powers of ten, the thin lines are quartiles",
    xText: (value) => `${Number(number(value))} ms`,
    bars: barsOf(results, "warm-hello"),
  }),
  "memory.svg": linePlot({
    title: "Peak memory of a first start against the size of what is unpacked",
    xLabel: "size of the content",
    yLabel: "peak memory, MB",
    xText: bytesText,
    yText: String,
    lines: linesOf(results, "memory/"),
    limit: { value: 160, label: "the bar: 160 MB" },
  }),
});

/** One line for each series of the rows, in the order in which they first come. */
function linesOf(results: Results, prefix: string): readonly Line[] {
  const rows = sizedRows(results, prefix);
  const names = [...new Set(rows.flatMap(({ series }) => series.map(({ name }) => name)))];
  return names.map((name) => ({
    name,
    points: rows.flatMap((row) => {
      const y = medianOf(row, name);
      return y === undefined ? [] : [{ x: row.size, y }];
    }),
  }));
}

const barsOf = (results: Results, id: string) =>
  (rowOf(results, id)?.series ?? []).flatMap(({ name, samples }) => {
    if (samples.length === 0) return [];
    const { median, quartiles } = summaryOf(samples);
    return [{ name, isOurs: name.startsWith("flavor"), value: median, spread: quartiles }];
  });
