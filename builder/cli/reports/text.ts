import { isAbsolute, relative } from "node:path";

/**
 * Text from a package, for a terminal: its author must neither break lines nor steer the terminal, so control
 * characters and those that turn the direction of writing are spelled out.
 */
export const plain = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** The same for a text of several lines that are ours. */
export const plainLines = (text: string): string => text.split("\n").map(plain).join("\n");

export type Align = "left" | "right";

/** Rows as columns with two blanks between them, as wide as their widest cell. */
export function columns(rows: readonly (readonly string[])[], align: readonly Align[] = []): string {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, i) =>
    Math.max(...rows.map((row) => Bun.stringWidth(row[i] ?? ""))),
  );
  return rows
    .map((row) =>
      row
        .map((cell, i) => pad(cell, widths[i] ?? 0, align[i]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function pad(cell: string, width: number, align: Align = "left"): string {
  const blanks = " ".repeat(width - Bun.stringWidth(cell));
  return align === "right" ? blanks + cell : cell + blanks;
}

/** An absolute path as people would type it: relative when it lies below the current folder. */
export function shortPath(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short === "" || short.startsWith("..") || isAbsolute(short) ? path : short;
}

/** "1 slot", "2 slots". */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
