/** Text that means itself in an SVG, whatever is in it. */
export const escapeText = (text: string): string =>
  text
    // what XML has no way to write
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/g, "�")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");

type Attributes = Readonly<Record<string, string | number>>;

/** One element. Numbers are rounded to tenths, so that the same results give the same bytes everywhere. */
export function element(name: string, attributes: Attributes, content?: string): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${attribute(value)}"`);
  return content === undefined
    ? `<${name}${list.join("")}/>`
    : `<${name}${list.join("")}>${content}</${name}>`;
}

const attribute = (value: string | number): string =>
  typeof value === "number" ? String(Math.round(value * 10) / 10) : escapeText(value);

export const text = (x: number, y: number, content: string, more: Attributes = {}): string =>
  element("text", { x, y, ...more }, escapeText(content));

/** Colours on white and on black: ours first, then in order. Each is told apart without seeing colours by its label. */
const STYLE = `
  .page { fill: #ffffff; stroke: #d0d7de; }
  text { fill: #1f2328; font: 13px system-ui, "DejaVu Sans", sans-serif; }
  .title { font-size: 15px; font-weight: 600; }
  .quiet { fill: #59636e; font-size: 12px; }
  .ours { font-weight: 600; }
  .grid { stroke: #e4e8ec; }
  .axis { stroke: #818b98; fill: none; }
  .limit { stroke: #cf222e; stroke-dasharray: 6 4; fill: none; }
  .line { stroke: currentColor; stroke-width: 2; fill: none; }
  .line.c0 { stroke-width: 3.5; }
  .lead { stroke: currentColor; stroke-dasharray: 2 3; opacity: 0.5; fill: none; }
  .solid { fill: currentColor; }
  .c0 { color: #0969da; } .c1 { color: #bc4c00; } .c2 { color: #1a7f37; }
  .c3 { color: #8250df; } .c4 { color: #9a6700; } .c5 { color: #6e7781; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #3d444d; }
    text { fill: #e6edf3; }
    .quiet { fill: #9198a1; }
    .grid { stroke: #242b34; }
    .axis { stroke: #6e7681; }
    .limit { stroke: #ff7b72; }
    .c0 { color: #58a6ff; } .c1 { color: #f0883e; } .c2 { color: #3fb950; }
    .c3 { color: #bc8cff; } .c4 { color: #d29922; } .c5 { color: #9198a1; }
  }
`;

/** A whole drawing on a page of its own colour, light or dark as the reader's. */
export const drawing = (width: number, height: number, title: string, parts: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    element("title", {}, escapeText(title)),
    element("style", {}, STYLE),
    element("rect", { class: "page", x: 0.5, y: 0.5, width: width - 1, height: height - 1, rx: 6 }),
    text(20, 28, title, { class: "title" }),
    ...parts,
    "</svg>",
    "",
  ].join("\n");
