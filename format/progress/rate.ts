/** How many bytes were done at a time, in milliseconds. */
export interface Sample {
  readonly at: number;
  readonly done: number;
}

/**
 * Work is uneven: one slot is copied, the next one compressed hard, a disk's cache fills up. So the rate is that of the
 * last five seconds: a mean of all would promise by what is long over, a shorter time would jump.
 */
const WINDOW_MS = 5000;
/** From less nothing can be told. */
const SHORTEST_MS = 500;

/** Samples and one more, as far back as they tell about now: those of the window, and the last one before it. */
export function withSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const first = samples.findLastIndex(({ at }) => sample.at - at >= WINDOW_MS);
  return [...samples.slice(Math.max(0, first)), sample];
}

/** Bytes in a second; undefined where that cannot be told yet. */
export function rateOf(samples: readonly Sample[]): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last.at - first.at < SHORTEST_MS) return undefined;
  return Math.max(0, ((last.done - first.done) * 1000) / (last.at - first.at));
}
