/**
 * Whether a package's name fits a pattern: `*` stands for any run of characters, the empty one too, and everything else
 * for itself. Upper and lower case differ, and the whole name must fit. Takes time in proportion to both lengths.
 */
export function fitsPattern(name: string, pattern: string): boolean {
  const [head = "", ...rest] = pattern.split("*");
  const tail = rest.pop();
  if (tail === undefined) return name === pattern;
  if (!name.startsWith(head) || !name.endsWith(tail)) return false;
  // The leftmost place for each piece leaves the most room for those behind it.
  let at = head.length;
  for (const piece of rest) {
    const found = name.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return at <= name.length - tail.length;
}

/** Whether a name fits one of the patterns; without any, every name does. */
export const fitsAny = (name: string, patterns: readonly string[]): boolean =>
  patterns.length === 0 || patterns.some((pattern) => fitsPattern(name, pattern));
