import type { Series } from "../results/results.ts";
import { reasonOf, Skip } from "./skip.ts";

/** One of those that are compared. */
export interface Contestant {
  readonly name: string;
  /** Makes ready for one run; not measured. */
  readonly before?: (round: number) => void;
  /** The run: gives what was measured. */
  readonly run: (round: number) => number;
  /** Tidies up after one run; not measured. */
  readonly after?: () => void;
  /** Tidies up after all runs. */
  readonly close?: () => void;
}

/** Rounds that are not counted: they fill the caches of the machine. */
export interface Rounds {
  readonly rounds: number;
  readonly warmUp?: number;
}

/**
 * Lets contestants run in turn, another one first in each round: a machine whose speed drifts then favours nobody. One that
 * fails is out, with its reason, and the others go on.
 */
export function inTurn(
  { rounds, warmUp = 1 }: Rounds,
  contestants: readonly Contestant[],
): readonly Series[] {
  const series = contestants.map(({ name }): Growing => ({ name, samples: [] }));
  for (let round = 0; round < rounds + warmUp; round++)
    for (let i = 0; i < contestants.length; i++) {
      const turn = (i + round) % contestants.length;
      const [contestant, own] = [contestants[turn] as Contestant, series[turn] as Growing];
      if (own.missing === undefined) runOnce(contestant, round, round >= warmUp, own);
    }
  for (const { close } of contestants) close?.();
  return series;
}

type Growing = { -readonly [K in keyof Series]: Series[K] extends readonly (infer T)[] ? T[] : Series[K] };

function runOnce({ before, run, after }: Contestant, round: number, counts: boolean, own: Growing): void {
  try {
    before?.(round);
    try {
      const sample = run(round);
      if (counts) own.samples.push(sample);
    } finally {
      after?.();
    }
  } catch (error) {
    own.samples = [];
    own.missing = missingFor(error);
  }
}

/** A series without samples, and why. */
export const missingSeries = (name: string, error: unknown): Series => ({
  name,
  samples: [],
  missing: missingFor(error),
});

const missingFor = (error: unknown): NonNullable<Series["missing"]> => ({
  why: error instanceof Skip ? "skipped" : "failed",
  reason: reasonOf(error),
});
