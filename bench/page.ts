import { readFileSync } from "node:fs";
import { join } from "node:path";
import { plotsOf } from "./plots/plots.ts";
import { judge, medianOf } from "./results/judge.ts";
import { parseResults, type Results, type Row, rowOf, sizedRows } from "./results/results.ts";
import {
  BARS_HEAD,
  barLines,
  bytesText,
  quantity,
  ratio,
  ROW_HEAD,
  seriesLines,
  type Table,
} from "./results/tables.ts";

/** The results that the documents show. */
export const RESULTS_FILE = join(import.meta.dir, "results.json");

export const committedResults = (): Results => parseResults(readFileSync(RESULTS_FILE, "utf8"));

/** The drawings beside docs/performance.md, by their paths from docs/. */
export const drawingsOf = (results: Results): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(plotsOf(results)).map(([name, svg]) => [`performance/${name}`, svg]));

/** The generated parts of docs/performance.md by their names; `table` makes Markdown of a table. */
export function pagePartsOf(
  results: Results,
  table: (head: readonly string[], rows: Table["rows"]) => string,
): Readonly<Record<string, string>> {
  const markdown = ({ head, rows }: Table) => table(head, rows);
  return {
    "performance-machine": machineText(results),
    "performance-bars": markdown({ head: BARS_HEAD, rows: rowsOf(results).flatMap(barLines) }),
    "performance-cold": markdown(sizesTable(results, "cold/")),
    "performance-memory": markdown(sizesTable(results, "memory/")),
    "performance-hello": markdown(peersTable(results, "hello")),
    "performance-tree": markdown(peersTable(results, "tree")),
    "performance-losses": markdown(lossesTable(results)),
    "performance-phases": phasesText(results),
    "performance-all": rowsOf(results)
      .map((row) => `**${row.what}**\n\n${markdown({ head: ROW_HEAD, rows: seriesLines(row) })}`)
      .join("\n\n"),
  };
}

const rowsOf = ({ measurements }: Results): readonly Row[] => measurements.flatMap(({ rows }) => rows);

function machineText({ date, commit, machine, versions, tree, measurements }: Results): string {
  const { cpu, cores, memory, system, fileSystems, load } = machine;
  const missing = measurements.filter(({ outcome }) => outcome !== "measured");
  return [
    `* taken on ${date.slice(0, 10)} at commit \`${commit}\``,
    `* ${cpu}, ${cores} cores, ${(memory / 2 ** 30).toFixed(0)} GiB of memory, ${system}`,
    `* work folder on ${fileSystems.work}, rows about a disk on ${fileSystems.disk}`,
    `* load of the machine ${load.map((value) => value.toFixed(1)).join(" before and ")} after`,
    `* ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}`,
    `* the tree: ${tree}`,
    ...missing.map(({ name, outcome, reason }) => `* \`${name}\` was ${outcome}: ${reason ?? ""}`),
  ].join("\n");
}

/** Medians, one line a size. */
function sizesTable(results: Results, prefix: string): Table {
  const rows = sizedRows(results, prefix);
  const names = [...new Set(rows.flatMap(({ series }) => series.map(({ name }) => name)))];
  return {
    head: ["Content", ...names],
    rows: rows.map((row) => [bytesText(row.size), ...names.map((name) => medianText(row, name))]),
  };
}

/** Medians of everything about one payload, one line a peer. */
function peersTable(results: Results, payload: string): Table {
  const columns = ["warm", "cold", "peak", "size"].map((id) => rowOf(results, `${id}-${payload}`));
  const names = [...new Set(columns.flatMap((row) => row?.series.map(({ name }) => name) ?? []))];
  return {
    head: ["", "warm start", "first start", "peak memory", "file"],
    rows: names.map((name) => {
      const cells = columns.map((row) => (row === undefined ? "" : medianText(row, name)));
      // what is missing everywhere for one reason has it once
      return [name, ...cells.map((cell, i) => (i > 0 && cells.every((other) => other === cell) ? "" : cell))];
    }),
  };
}

const medianText = (row: Row, name: string): string => {
  const median = medianOf(row, name);
  if (median !== undefined) return quantity(median, row.unit);
  return row.series.find((series) => series.name === name)?.missing?.reason ?? "";
};

/** Rows that compare ours with ours say what they are about themselves. */
const isOurs = (name: string): boolean => name.startsWith("flavor");

/** Every row in which somebody does better than we do, with the best of them; where we are furthest behind first. */
function lossesTable(results: Results): Table {
  const losses = rowsOf(results).flatMap((row) => {
    const [{ name: ours } = { name: "" }, ...others] = row.series;
    const best = others
      .filter(({ name }) => isOurs(ours) && !isOurs(name))
      .map(({ name }) => ({ name, ...judge(row, { kind: "ratio", series: ours, against: name, limit: 1 }) }))
      .toSorted((a, b) => (b.value ?? 0) - (a.value ?? 0))[0];
    return best?.value === undefined || best.value <= 1
      ? []
      : [{ row, ours, name: best.name, value: best.value }];
  });
  return {
    head: ["What", "Ours", "The best", "", "Ours to it"],
    rows: losses
      .toSorted((a, b) => b.value - a.value)
      .map(({ row, ours, name, value }) => [
        row.what,
        medianText(row, ours),
        name,
        medianText(row, name),
        ratio(value),
      ]),
  };
}

const phasesText = (results: Results): string =>
  (rowOf(results, "warm")?.notes ?? []).map((note) => `* ${note.replaceAll(/[`*_<>|]/g, "")}`).join("\n") ||
  "* not measured";
