import type { Measured, Results, Row } from "./results.ts";
import { ROW_HEAD, seriesLines, type Table } from "./tables.ts";

/** A measurement as it is printed when it is done. */
export function measuredText({ name, seconds, outcome, reason, rows }: Measured): string {
  if (outcome !== "measured") return `${name}: ${outcome}: ${reason ?? "no reason given"}\n`;
  return `${rows.map(rowText).join("\n")}${name} took ${seconds.toFixed(0)} s\n`;
}

function rowText(row: Row): string {
  const lines = tableText({ head: [row.what, ...ROW_HEAD.slice(1)], rows: seriesLines(row) });
  return `${lines}${row.notes.map((note) => `  ${note}\n`).join("")}`;
}

/** Columns under each other, the first to the left, the others to the right. */
function tableText({ head: [title = "", ...titles], rows }: Table): string {
  const lines = [["", ...titles], ...rows];
  const widths = ["", ...titles].map((_, i) =>
    Math.max(
      i === 0 ? 24 : 0,
      ...lines.map((cells) => (i > 0 && isReason(cells) ? 0 : widthOf(cells[i] ?? ""))),
    ),
  );
  const lineOf = (cells: readonly string[]) =>
    cells
      .map((cell, i) => {
        const gap = " ".repeat(Math.max(0, (widths[i] ?? 0) - widthOf(cell)));
        return i === 0 ? `${cell}${gap}` : `${gap}${cell}`;
      })
      .join("  ")
      .trimEnd();
  return `${[title, ...lines.map((cells) => `  ${lineOf(cells)}`)].join("\n")}\n`;
}

/** A line of a series without samples has a reason where others have figures. */
const isReason = (cells: readonly string[]): boolean => /^(?:skipped|failed): /.test(cells[1] ?? "");

const widthOf = (text: string): number => [...text].length;

/** What stands above everything: the machine and what took part. */
export function headerText({ mode, machine, versions, tree, commit }: Omit<Results, "measurements">): string {
  const { cpu, cores, memory, system, fileSystems } = machine;
  return [
    `${mode === "quick" ? "quick: shows that it runs, its figures mean nothing\n" : ""}commit ${commit}`,
    `${cpu}, ${cores} cores, ${(memory / 2 ** 30).toFixed(0)} GiB, ${system}; work folder on ${fileSystems.work}, disk folder on ${fileSystems.disk}`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", "),
    `tree: ${tree}`,
    "",
  ].join("\n");
}
