import { logScale } from "./scale.ts";
import { drawing, element, text } from "./svg.ts";

export interface BarPlot {
  readonly title: string;
  readonly xLabel: string;
  readonly xText: (value: number) => string;
  readonly bars: readonly BarOfPlot[];
}

export interface BarOfPlot {
  readonly name: string;
  /** What the others are compared with. */
  readonly isOurs: boolean;
  readonly value: number;
  /** The quartiles. */
  readonly spread: readonly [number, number];
}

const WIDTH = 760;
const [LEFT, RIGHT, TOP, STEP, THICK] = [230, 660, 52, 28, 18] as const;

/** Horizontal bars over an axis by powers of ten, the shortest first, with their values behind them. */
export function barPlot({ title, xLabel, xText, bars }: BarPlot): string {
  const sorted = bars.toSorted((a, b) => a.value - b.value);
  const bottom = TOP + sorted.length * STEP + 6;
  const x = logScale(
    sorted.flatMap(({ value, spread: [low, high] }) => [low, value, high]),
    LEFT,
    RIGHT,
  );
  const parts = [
    ...x.marks.flatMap((mark) => [
      element("line", { class: "grid", x1: x.at(mark), x2: x.at(mark), y1: TOP, y2: bottom }),
      text(x.at(mark), bottom + 20, xText(mark), { class: "quiet", "text-anchor": "middle" }),
    ]),
    element("path", { class: "axis", d: `M${LEFT} ${TOP}V${bottom}` }),
    text((LEFT + RIGHT) / 2, bottom + 44, xLabel, { "text-anchor": "middle" }),
    ...sorted.flatMap((bar, i) => barParts(bar, TOP + 8 + i * STEP, x.at, xText)),
  ];
  return drawing(WIDTH, bottom + 62, title, parts);
}

function barParts(
  { name, isOurs, value, spread: [low, high] }: BarOfPlot,
  top: number,
  at: (value: number) => number,
  xText: (value: number) => string,
): readonly string[] {
  const middle = top + THICK / 2;
  return [
    text(LEFT - 10, middle + 4, name, { "text-anchor": "end", ...(isOurs ? { class: "ours" } : {}) }),
    element("rect", {
      class: `solid ${isOurs ? "c0" : "c5"}`,
      x: LEFT,
      y: top,
      width: Math.max(1, at(value) - LEFT),
      height: THICK,
    }),
    element("path", { class: "axis", d: `M${tenths(at(low))} ${middle}H${tenths(at(high))}` }),
    text(Math.max(at(value), at(high)) + 8, middle + 4, xText(value), { class: "quiet" }),
  ];
}

const tenths = (value: number): number => Math.round(value * 10) / 10;
