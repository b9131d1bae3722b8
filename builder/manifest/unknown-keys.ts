import { type Members, memberPath, type Problems } from "../../format/wire/problems.ts";

/** The keys of a table: `true` takes any value, a shape is the table below it, `names` takes any keys. */
export interface Shape {
  readonly [key: string]: true | Shape;
}

/** Notes every key that the shape does not have, and the known key that it was probably meant to be. */
export function noteUnknownKeys(table: unknown, shape: Shape, path: string, problems: Problems): void {
  if (typeof table !== "object" || table === null) return;
  if (Array.isArray(table)) {
    for (const [index, item] of table.entries()) noteUnknownKeys(item, shape, `${path}[${index}]`, problems);
    return;
  }
  for (const [key, value] of Object.entries(table as Members)) {
    const below = Object.hasOwn(shape, key) ? shape[key] : undefined;
    const at = memberPath(path, key);
    if (below === undefined) problems.add(at, `unknown key, ${advice(key, Object.keys(shape))}`);
    else if (below !== true) noteUnknownKeys(value, below, at, problems);
  }
}

function advice(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return near === undefined ? `known here are ${known.join(", ")}` : `did you mean "${near}"?`;
}

/** The known word that takes the fewest edits, if these are few for its length. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const folded = word.slice(0, 64).toLowerCase().replaceAll("-", "_");
  const ranked = known
    .map((candidate) => ({ candidate, edits: editsBetween(folded, candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.edits - b.edits);
  return ranked[0]?.candidate;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other. */
function editsBetween(a: string, b: string): number {
  let before: number[] = [];
  let last: number[] = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const line = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(last[column]! + 1, line[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1));
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        best = Math.min(best, before[column - 2]! + 1);
      line.push(best);
    }
    before = last;
    last = line;
  }
  return last[b.length]!;
}
