import { logScale, spread } from "./scale.ts";
import { drawing, element, text } from "./svg.ts";

export interface LinePlot {
  readonly title: string;
  /** What the axes count, with units. */
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xText: (value: number) => string;
  readonly yText: (value: number) => string;
  /** The first is ours. */
  readonly lines: readonly Line[];
  /** A value that must not be passed. */
  readonly limit?: { readonly value: number; readonly label: string };
}

export interface Line {
  readonly name: string;
  /** In the order of x; x and y above zero. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

const [WIDTH, HEIGHT] = [760, 420];
const AREA = { left: 76, right: 560, top: 52, bottom: 356 };
const LABEL_GAP = 17;
const COLOURS = 6;

/** Lines over two axes by powers of ten, each with its name at its end. */
export function linePlot({ title, xLabel, yLabel, xText, yText, lines, limit }: LinePlot): string {
  const all = lines.flatMap(({ points }) => points);
  const x = logScale(
    all.map((point) => point.x),
    AREA.left,
    AREA.right,
  );
  const y = logScale(
    [...all.map((point) => point.y), ...(limit === undefined ? [] : [limit.value])],
    AREA.bottom,
    AREA.top,
  );
  const drawn = lines
    .map((line, i) => ({ ...line, colour: `c${i % COLOURS}` }))
    .filter(({ points }) => points.length > 0);
  const ends = drawn.map(({ points }) => y.at(points.at(-1)?.y ?? 0));
  const labels = spread(ends, LABEL_GAP, AREA.bottom);
  const parts = [
    ...x.marks.flatMap((mark) => [
      element("line", { class: "grid", x1: x.at(mark), x2: x.at(mark), y1: AREA.top, y2: AREA.bottom }),
      text(x.at(mark), AREA.bottom + 20, xText(mark), { class: "quiet", "text-anchor": "middle" }),
    ]),
    ...y.marks.flatMap((mark) => [
      element("line", { class: "grid", x1: AREA.left, x2: AREA.right, y1: y.at(mark), y2: y.at(mark) }),
      text(AREA.left - 8, y.at(mark) + 4, yText(mark), { class: "quiet", "text-anchor": "end" }),
    ]),
    element("path", {
      class: "axis",
      d: `M${AREA.left} ${AREA.top}V${AREA.bottom}H${AREA.right}`,
    }),
    text((AREA.left + AREA.right) / 2, AREA.bottom + 44, xLabel, { "text-anchor": "middle" }),
    text(0, 0, yLabel, {
      "text-anchor": "middle",
      transform: `translate(22 ${(AREA.top + AREA.bottom) / 2}) rotate(-90)`,
    }),
    ...(limit === undefined ? [] : limitParts(limit, y.at(limit.value))),
    // ours above the others
    ...drawn.toReversed().flatMap(({ points, colour }) => [
      element("path", {
        class: `line ${colour}`,
        d: points
          .map((point, i) => `${i === 0 ? "M" : "L"}${tenths(x.at(point.x))} ${tenths(y.at(point.y))}`)
          .join(""),
      }),
      ...points.map((point) =>
        element("circle", { class: `solid ${colour}`, cx: x.at(point.x), cy: y.at(point.y), r: 3.5 }),
      ),
    ]),
    ...drawn.flatMap(({ name, points, colour }, i) => {
      const [at, label, end] = [x.at(points.at(-1)?.x ?? 0), labels[i] as number, ends[i] as number];
      return [
        element("path", {
          class: `lead ${colour}`,
          d: `M${tenths(at + 5)} ${tenths(end)}L${AREA.right + 22} ${tenths(label)}`,
        }),
        element("circle", { class: `solid ${colour}`, cx: AREA.right + 27, cy: label, r: 4 }),
        text(AREA.right + 36, label + 4, name, colour === "c0" ? { class: "ours" } : {}),
      ];
    }),
  ];
  return drawing(WIDTH, HEIGHT, title, parts);
}

const limitParts = ({ label }: NonNullable<LinePlot["limit"]>, at: number): readonly string[] => [
  element("path", { class: "limit", d: `M${AREA.left} ${tenths(at)}H${AREA.right}` }),
  text(AREA.left + 8, at - 6, label, { class: "quiet" }),
];

const tenths = (value: number): number => Math.round(value * 10) / 10;
