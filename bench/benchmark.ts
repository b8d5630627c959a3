import { median } from './statistics.ts';

/** What one round gave; the benchmark's legend says what the three figures are. */
export interface Round {
  readonly value: number;
  /** The same of the thing compared with, measured right beside it. */
  readonly baseline: number;
  readonly ratio: number;
}

/** One measured figure, as it stands in bench/results/latest.json: medians over the rounds. */
export interface Result extends Round {
  /** benchmark.case.size */
  readonly name: string;
  readonly unit: string;
  readonly rounds: number;
}

/** A figure that this machine cannot give, and why. */
export interface Skipped {
  readonly name: string;
  readonly skipped: string;
}

/** What came of a benchmark; what it gave before it failed counts. */
export interface Outcome {
  readonly benchmark: Benchmark;
  readonly results: readonly Result[];
  readonly skipped: readonly Skipped[];
  /** Why it did not come to its end. */
  readonly failure?: string;
}

/** How a run was asked for. */
export interface Run {
  /** Fewer and shorter rounds: everything in less than five minutes. */
  readonly quick: boolean;
  /** Says what is going on, and how much of the benchmark is done: 0 to 1. */
  readonly progress: (line: string, done?: number) => void;
  /** Ends the run; what was built for it is removed all the same. */
  readonly signal: AbortSignal;
}

/** A benchmark: its name, what its figures mean, and its figures as they come. */
export interface Benchmark {
  readonly name: string;
  readonly legend: string;
  measure(run: Run): AsyncGenerator<Result | Skipped>;
}

/**
 * The medians of what the rounds gave. A round's ratio is of two figures taken at nearly the same
 * time, so its median holds where a busy machine moves both.
 */
export function summary(name: string, unit: string, rounds: readonly Round[]): Result {
  return {
    name,
    value: median(rounds.map(({ value }) => value)),
    unit,
    baseline: median(rounds.map(({ baseline }) => baseline)),
    ratio: median(rounds.map(({ ratio }) => ratio)),
    rounds: rounds.length,
  };
}

/**
 * The worst of what the rounds gave, for figures of which one bad round is one too many: the
 * largest value, and the largest that it is compared with.
 */
export function worst(name: string, unit: string, rounds: readonly Round[]): Result {
  return {
    name,
    value: Math.max(...rounds.map(({ value }) => value)),
    unit,
    baseline: Math.max(...rounds.map(({ baseline }) => baseline)),
    ratio: Math.min(...rounds.map(({ ratio }) => ratio)),
    rounds: rounds.length,
  };
}

/** A value beside its baseline. */
export function compared(value: number, baseline: number): Round {
  return { value, baseline, ratio: value / baseline };
}
