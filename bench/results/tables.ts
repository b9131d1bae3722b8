import { judge, medianOf } from "./judge.ts";
import type { Bar, Row, Series, Unit } from "./results.ts";
import { summaryOf } from "./stats.ts";

/** A table of texts, for a terminal or for Markdown. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export const ROW_HEAD = ["", "median", "quartiles", "rounds", "ours to it", "bar", ""] as const;

/** One line a series: its median, how ours compares, and which bars stand on it. */
export const seriesLines = (row: Row): Table["rows"] => row.series.map((series) => lineOf(row, series));

function lineOf(row: Row, series: Series): readonly string[] {
  if (series.missing !== undefined)
    return [series.name, `${series.missing.why}: ${series.missing.reason}`, "", "", "", "", ""];
  const { median, quartiles, rounds } = summaryOf(series.samples);
  const bars = row.bars.filter((bar) => (bar.against ?? bar.series) === series.name);
  return [
    series.name,
    quantity(median, row.unit),
    quartiles.map((value) => number(value)).join(" to "),
    String(rounds),
    comparison(row, series, bars[0]),
    bars.map((bar) => limitOf(bar, row.unit)).join(", "),
    bars.map((bar) => verdict(row, bar)).join(", "),
  ];
}

/** Ours to this series: a ratio, or what the bar asks for. The first series is ours, and not compared with itself. */
function comparison(row: Row, series: Series, bar: Bar | undefined): string {
  const [ours] = row.series;
  const of = bar?.series ?? ours?.name ?? "";
  if (of === series.name) return "";
  const asked: Bar = bar ?? { kind: "ratio", series: of, against: series.name, limit: 0 };
  const { value } = judge(row, asked);
  if (value === undefined) return "";
  return asked.kind === "difference" ? signed(value, row.unit) : ratio(value);
}

const verdict = (row: Row, bar: Bar): string => {
  const { value, met } = judge(row, bar);
  return value === undefined ? "not measured" : met ? "met" : "not met";
};

/** "≤ 0.80", "≤ 160 MB". */
const limitOf = ({ kind, limit }: Bar, unit: Unit): string =>
  kind === "ratio" ? `≤ ${limit.toFixed(2)}` : `≤ ${kind === "difference" ? "+" : ""}${limit} ${unit}`;

export const BARS_HEAD = ["What", "Ours", "Against", "", "Value", "Bar", ""] as const;

/** One line a bar, for the table at the top of the page. */
export const barLines = (row: Row): Table["rows"] =>
  row.bars.map((bar) => {
    const { value } = judge(row, bar);
    const theirs = bar.against === undefined ? undefined : medianOf(row, bar.against);
    return [
      row.what,
      quantityOr(medianOf(row, bar.series), row.unit),
      bar.against ?? "",
      bar.against === undefined ? "" : quantityOr(theirs, row.unit),
      valueText(value, bar, row.unit),
      limitOf(bar, row.unit),
      verdict(row, bar),
    ];
  });

const valueText = (value: number | undefined, { kind }: Bar, unit: Unit): string => {
  if (value === undefined) return "";
  return kind === "ratio"
    ? ratio(value)
    : kind === "difference"
      ? signed(value, unit)
      : quantity(value, unit);
};

const quantityOr = (value: number | undefined, unit: Unit): string =>
  value === undefined ? "not measured" : quantity(value, unit);

/** A figure with its unit; what is far below a MB in kB. */
export const quantity = (value: number, unit: Unit): string =>
  unit === "MB" && Math.abs(value) < 0.1 ? `${number(value * 1000)} kB` : `${number(value)} ${unit}`;

const signed = (value: number, unit: Unit): string =>
  `${value < 0 ? "−" : "+"}${quantity(Math.abs(value), unit)}`;

/** Two digits behind the point, because bars are that close; fewer where they say nothing. */
export const ratio = (value: number): string => (value < 10 ? value.toFixed(2) : number(value));

/** Three digits that count: 0.52, 4.81, 48.1, 481, 4810. */
export function number(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}

/** Bytes in the largest unit that leaves a whole: 300 MB, 6.44 GB. */
export const bytesText = (bytes: number): string =>
  bytes >= 1e9
    ? `${Number((bytes / 1e9).toFixed(2))} GB`
    : bytes >= 1e6
      ? `${Math.round(bytes / 1e6)} MB`
      : `${Math.round(bytes / 1e3)} kB`;
