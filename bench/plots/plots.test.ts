import { expect, test } from "bun:test";
import { resultsWith, rowWith } from "../results/fixture.ts";
import type { Results, Row } from "../results/results.ts";
import { plotsOf } from "./plots.ts";
import { escapeText } from "./svg.ts";

const point = (id: string, size: number, ours: number, theirs: number, name = "tar"): Row => {
  const series = [
    { name: "flavor", samples: [ours] },
    { name, samples: [theirs] },
  ];
  return rowWith([], [], { id, size, series });
};

const ordinary = resultsWith([
  point("cold/1", 1e6, 40, 8),
  point("cold/300", 300e6, 400, 500),
  point("memory/300", 300e6, 120, 7),
  rowWith([8, 9, 8], [36, 37, 36], { id: "warm-hello" }),
]);

const hostileName = `<script>alert("1")</script> & ]]> \u0000\ud800 '`;

const PLOTS: readonly (readonly [string, Results])[] = [
  ["ordinary results", ordinary],
  ["nothing measured", resultsWith([])],
  [
    "everything missing",
    resultsWith([rowWith([], [], { id: "warm-hello" }), rowWith([], [], { id: "cold/1", size: 1e6 })]),
  ],
  [
    "names that are markup",
    resultsWith([
      point("cold/1", 1, 1, 1, hostileName),
      rowWith([1], [2], { id: "warm-hello", series: [{ name: hostileName, samples: [1] }] }),
    ]),
  ],
  [
    "zero and negative figures",
    resultsWith([point("cold/1", 0, 0, -5), rowWith([0], [0], { id: "warm-hello" })]),
  ],
  [
    "enormous figures",
    resultsWith([point("cold/1", 1e15, 1e12, 1e-9), rowWith([1e12], [1e-9], { id: "warm-hello" })]),
  ],
  ["one point", resultsWith([point("memory/1", 5, 5, 5)])],
];

test.each(PLOTS)("of %s, drawings are well formed and every number is one", (_, results) => {
  const drawings = Object.entries(plotsOf(results));
  expect(drawings.map(([name]) => name)).toEqual(["cold.svg", "warm.svg", "memory.svg"]);
  for (const [, svg] of drawings) {
    expect(mistakesIn(svg)).toEqual([]);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  }
});

test("the same results give the same drawings", () => {
  expect(plotsOf(structuredClone(ordinary))).toEqual(plotsOf(ordinary));
});

test("drawings show every series that was measured, by name, and no other", () => {
  const { "cold.svg": cold, "warm.svg": warm } = plotsOf(
    resultsWith([point("cold/1", 1e6, 40, 8), rowWith([8], [], { id: "warm-hello" })]),
  );
  expect(cold).toContain(">tar</text>");
  expect(cold).toContain(">flavor</text>");
  expect(warm).toContain(">flavor</text>");
  expect(warm).not.toContain(">tar</text>");
  expect(warm).toContain(">8 ms</text>");
  const { "warm.svg": slow } = plotsOf(resultsWith([rowWith([200], [0.5], { id: "warm-hello" })]));
  for (const value of ["0.5", "1", "30", "100", "200", "300"]) expect(slow).toContain(`>${value} ms</text>`);
});

test("texts lie on the page, and labels of lines that end in one place do not cover each other", () => {
  const many = Array.from({ length: 6 }, (_, i) => ({ name: `line ${i}`, samples: [100] }));
  const row = rowWith([], [], { id: "cold/1", size: 1e6, series: many });
  const svg = plotsOf(resultsWith([row]))["cold.svg"] as string;
  const labels = [...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)"[^>]*>line \d</g)].map(([, , y]) =>
    Number(y),
  );
  expect(labels.length).toBe(6);
  for (const [i, y] of labels.toSorted((a, b) => a - b).entries())
    if (i > 0) expect(y - (labels.toSorted((a, b) => a - b)[i - 1] as number)).toBeGreaterThanOrEqual(15);
  const height = Number(/height="(\d+)"/.exec(svg)?.[1]);
  for (const y of labels) expect(y).toBeLessThan(height);
});

test("text in a drawing is text", () => {
  expect(escapeText(`<a b="c"> & \u0000`)).toBe("&lt;a b=&quot;c&quot;&gt; &amp; �");
});

/** What is wrong with a text as XML of elements, attributes and texts, as far as a drawing needs them. */
function mistakesIn(svg: string): readonly string[] {
  const mistakes: string[] = [];
  const open: string[] = [];
  const rest = svg.replaceAll(
    /<(\/?)(\w+)((?: [\w:-]+="[^"<>]*")*)(\/?)>/g,
    (_, end: string, name: string, __, empty: string) => {
      if (end !== "") {
        if (open.pop() !== name) mistakes.push(`${name} ends, and another one is open`);
      } else if (empty === "") open.push(name);
      return "";
    },
  );
  if (open.length > 0) mistakes.push(`${open.join(", ")} does not end`);
  if (/[<>]|&(?!(?:amp|lt|gt|quot);)/.test(rest)) mistakes.push("there is markup that is none");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  if (/[\u0000-\u0008\ud800-\udfff]/.test(svg)) mistakes.push("there are characters that XML does not have");
  return mistakes;
}
