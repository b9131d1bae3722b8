/** What is said of the samples of one series; in their unit. */
export interface Summary {
  readonly median: number;
  /** The first and the third quartile: half of the samples lie between them. */
  readonly quartiles: readonly [number, number];
  readonly rounds: number;
}

/** Throws RangeError where there are no samples. */
export const summaryOf = (samples: readonly number[]): Summary => ({
  median: quantile(samples, 0.5),
  quartiles: [quantile(samples, 0.25), quantile(samples, 0.75)],
  rounds: samples.length,
});

export const median = (samples: readonly number[]): number => quantile(samples, 0.5);

/** Where a share of the samples lies below, 0 to 1; between two samples in proportion (type 7 of Hyndman and Fan). */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  if (below === undefined || above === undefined) throw new RangeError("There is no quantile of no samples");
  return below + (above - below) * (place - Math.floor(place));
}
