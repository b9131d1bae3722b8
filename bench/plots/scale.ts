/** From values to places along one axis. */
export interface Scale {
  readonly at: (value: number) => number;
  /** Where the axis has marks: values, ascending. */
  readonly marks: readonly number[];
}

/** By powers of ten, with marks at 1, 3, 10, 30, …; values that are not above zero count as the smallest that is. */
export function logScale(values: readonly number[], from: number, to: number): Scale {
  const positive = values.filter((value) => value > 0 && Number.isFinite(value));
  const [least, most] = positive.length === 0 ? [1, 10] : [Math.min(...positive), Math.max(...positive)];
  const steps: number[] = [];
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power++)
    steps.push(round(10 ** power), round(3 * 10 ** power));
  const first = Math.max(
    0,
    steps.findLastIndex((mark) => mark <= least),
  );
  const last = steps.findIndex((mark) => mark >= most && mark > (steps[first] as number));
  const marks = steps.slice(first, last === -1 ? undefined : last + 1);
  const [low, high] = [Math.log10(marks[0] as number), Math.log10(marks.at(-1) as number)];
  const at = (value: number) =>
    from + ((to - from) * (Math.log10(Math.max(value, marks[0] as number)) - low)) / (high - low);
  return { at, marks };
}

const round = (value: number): number => Number(value.toPrecision(6));

/**
 * Moves places as little as needed until neighbours are `gap` apart, in the order in which they came: down, and where
 * that leads beyond `end`, up.
 */
export function spread(places: readonly number[], gap: number, end: number): readonly number[] {
  const order = places
    .map((_, i) => i)
    .toSorted((a, b) => (places[a] as number) - (places[b] as number) || a - b);
  const moved = [...places];
  let least = Number.NEGATIVE_INFINITY;
  for (const own of order) {
    moved[own] = Math.max(moved[own] as number, least);
    least = (moved[own] as number) + gap;
  }
  let most = end;
  for (const own of order.toReversed()) {
    moved[own] = Math.min(moved[own] as number, most);
    most = (moved[own] as number) - gap;
  }
  return moved;
}
