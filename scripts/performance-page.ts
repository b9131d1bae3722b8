import { join } from "node:path";
import { committedResults, drawingsOf, pagePartsOf } from "../bench/page.ts";
import { table } from "./table.ts";

/** The generated parts of performance.md by their names, from the results that are committed. */
export const performanceParts = (): Readonly<Record<string, () => string>> =>
  Object.fromEntries(
    Object.entries(pagePartsOf(committedResults(), table)).map(([name, text]) => [name, () => text]),
  );

/** The drawings of that page in a folder of documents: their paths, and what is in them. */
export const performanceDrawings = (folder: string): readonly (readonly [path: string, svg: string])[] =>
  Object.entries(drawingsOf(committedResults())).map(([path, svg]) => [join(folder, path), svg]);
