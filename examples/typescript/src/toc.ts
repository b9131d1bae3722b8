import colors from "picocolors";
import type { Heading } from "@/headings";

/** The headings as a Markdown list of links; on a terminal the links are dim. */
export function tocOf(headings: readonly Heading[]): string[] {
  const top = Math.min(...headings.map(({ level }) => level));
  return headings.map(
    ({ level, text, anchor }) => `${"  ".repeat(level - top)}- [${text}]${colors.dim(`(#${anchor})`)}`,
  );
}
