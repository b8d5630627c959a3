/** The middle one of at least one value; of an even number the upper of the two in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** An estimate, and where it would lie in 95 of 100 repetitions of the measurement. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 2000;
const CONFIDENCE = 0.95;

/**
 * The median of at least one value, with its confidence interval by bootstrap: as many values are
 * drawn from these with replacement, again and again, and the medians of the draws are as uncertain
 * as this one. It asks nothing of how the values are distributed, and a round that was disturbed
 * moves it little. The same values give the same interval.
 *
 * Source: Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics 7 (1979).
 */
export function estimateMedian(values: readonly number[]): Estimate {
  const random = numbers();
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(values.map(() => values[Math.floor(random() * values.length)]!)),
  ).sort((a, b) => a - b);
  const tail = Math.floor(((1 - CONFIDENCE) / 2) * RESAMPLES);
  return { value: median(values), low: medians[tail]!, high: medians[RESAMPLES - 1 - tail]! };
}

/** What the first of every pair has more than the second. */
export function pairedDifferences(
  pairs: readonly (readonly [value: number, baseline: number])[],
): number[] {
  return pairs.map(([value, baseline]) => value - baseline);
}

/** Numbers from 0 to below 1, the same in every run: a linear congruential generator. */
function numbers(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
