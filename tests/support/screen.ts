/** What a terminal shows that was sent a text of ours: lines, of which a later text may have written over an earlier one. */
export function screenOf(text: string): string {
  const lines: string[] = [];
  let line = "";
  let at = 0;
  for (const [part] of text.matchAll(/\p{Cc}\[K|\p{Cc}|\P{Cc}+/gu))
    switch (part) {
      case "\r":
        at = 0;
        break;
      case "\n":
        lines.push(line.trimEnd());
        line = "";
        break;
      case "\u001b[K":
        line = line.slice(0, at);
        break;
      default:
        line = line.slice(0, at).padEnd(at) + part + line.slice(at + part.length);
        at += part.length;
    }
  return [...lines, line].join("\n");
}

/** Every line that a bar has drawn, in order. */
export const barsIn = (text: string): readonly string[] =>
  [...text.matchAll(/\r(\P{Cc}+)\p{Cc}\[K/gu)].map(([, line = ""]) => line);

/** Whether nothing in a text steers the terminal but the ends of lines. */
export const isPlain = (text: string): boolean => !/\p{Cc}/u.test(text.replaceAll(/\r?\n/g, ""));
