/**
 * What one run of the benchmark found: every sample, and what is needed to judge them. `bench/results.json` is one;
 * the tables and plots of docs/performance.md come from it alone.
 */
export const SCHEMA = 1;

export interface Results {
  readonly schema: typeof SCHEMA;
  /** Quick runs show that everything works; their figures mean nothing. */
  readonly mode: "full" | "quick";
  /** ISO 8601, when the run began. */
  readonly date: string;
  /** The commit of the checkout, with "+" when files differ from it. */
  readonly commit: string;
  readonly machine: Machine;
  /** What took part, by name. */
  readonly versions: Readonly<Record<string, string>>;
  /** What the 300 MB tree was. */
  readonly tree: string;
  readonly measurements: readonly Measured[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  readonly system: string;
  /** The file systems of the work folder and of the folder for the rows about disks. */
  readonly fileSystems: { readonly work: string; readonly disk: string };
  /** Load of one minute at the begin and the end of the run. */
  readonly load: readonly [number, number];
}

/** One measurement: all its rows, or why there are none. */
export interface Measured {
  readonly name: string;
  /** How long it took. */
  readonly seconds: number;
  readonly outcome: "measured" | "skipped" | "failed";
  readonly reason?: string;
  readonly rows: readonly Row[];
}

/** Series that can be compared with each other. The first is ours. */
export interface Row {
  readonly id: string;
  readonly what: string;
  readonly unit: Unit;
  /** How large the content is, in bytes, where the row is a point of a plot. */
  readonly size?: number;
  readonly series: readonly Series[];
  readonly bars: readonly Bar[];
  readonly notes: readonly string[];
}

/** Milliseconds; millions of bytes. */
export type Unit = "ms" | "MB";

export interface Series {
  readonly name: string;
  /** In the order in which they were taken; none where `missing` says why. */
  readonly samples: readonly number[];
  readonly missing?: Missing;
}

export interface Missing {
  readonly why: "skipped" | "failed";
  readonly reason: string;
}

/** What a row must reach: the median of one series, its ratio to another's, or the difference to it. */
export interface Bar {
  readonly kind: "value" | "ratio" | "difference";
  readonly series: string;
  /** The other series, of "ratio" and "difference". */
  readonly against?: string;
  /** At most this. */
  readonly limit: number;
}

/** Throws an Error that says what is wrong with a text that is no Results of this schema. */
export function parseResults(text: string): Results {
  const value = parseJson(text);
  if (value?.schema !== SCHEMA)
    throw new Error(`Cannot read results: the schema is ${value?.schema}, wanted ${SCHEMA}`);
  if (!Array.isArray(value.measurements) || value.machine === undefined)
    throw new Error("Cannot read results: measurements or machine are missing");
  return value as Results;
}

function parseJson(text: string): Partial<Results> | null {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error("Cannot read results: it is no JSON", { cause });
  }
}

/** As it stands in a file: one series a line, so that two runs can be compared by eye. */
export function renderResults(results: Results): string {
  const text = JSON.stringify(
    results,
    (_, value) => (typeof value === "number" ? shortened(value) : value),
    1,
  );
  return `${text.replaceAll(/\[\n\s*(-?[\d.e+-]+(?:,\n\s*-?[\d.e+-]+)*)\n\s*\]/g, (_, list: string) => `[${list.replaceAll(/\s+/g, " ")}]`)}\n`;
}

/** No clock and no meter here is better than a thousandth. */
const shortened = (value: number): number => Math.round(value * 1000) / 1000;

/** The row of an id, where it was measured. */
export const rowOf = (results: Results, id: string): Row | undefined =>
  results.measurements.flatMap(({ rows }) => rows).find((row) => row.id === id);

/** Rows whose ids begin so and that have a size, smallest first: the points of a plot. */
export const sizedRows = (results: Results, prefix: string): readonly (Row & { readonly size: number })[] =>
  results.measurements
    .flatMap(({ rows }) => rows)
    .filter((row): row is Row & { size: number } => row.id.startsWith(prefix) && row.size !== undefined)
    .toSorted((a, b) => a.size - b.size);
