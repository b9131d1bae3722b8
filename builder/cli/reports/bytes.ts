import type { ByteLayout, LayoutRow } from "../../inspect.ts";
import type { Report } from "../io.ts";
import { columns } from "./text.ts";

export interface BytesOf {
  /** The package as it was named. */
  readonly source: string;
  readonly layout: ByteLayout;
}

/** Index and slot descriptors, field by field. */
export const bytesReport: Report<BytesOf> = {
  schema: "flavor.inspect-bytes/1",
  text: ({ layout }, paint) =>
    [
      [paint("bold", "Index block"), table(layout.index)],
      ...layout.slots.map((rows, i) => [paint("bold", `Slot descriptor ${i}`), table(rows)]),
    ]
      .map((part) => part.join("\n"))
      .join("\n\n"),
  json: ({ source, layout }) => ({
    path: source,
    index: layout.index.map(rowJson),
    slots: layout.slots.map((rows) => rows.map(rowJson)),
  }),
};

const table = (rows: readonly LayoutRow[]): string =>
  columns(
    rows.map(({ name, at, size, value }) => [`0x${at.toString(16)}`, String(size), name, valueText(value)]),
    ["right", "right"],
  );

/** A key or a checksum is shown whole; longer fields are hardly ever more than zeros. */
const LONGEST_HEX = 128;

function valueText(value: number | string | undefined): string {
  if (value === undefined) return "(reserved)";
  const text = String(value);
  if (text.length > 2 && /^0+$/.test(text)) return "zeros";
  return text.length > LONGEST_HEX ? `${text.slice(0, LONGEST_HEX)}…` : text;
}

const rowJson = ({ name, at, size, value }: LayoutRow) => ({ name, offset: at, size, value: value ?? null });
