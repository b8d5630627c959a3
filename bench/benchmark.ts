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

/** How a run was asked for. */
export interface Run {
  /** Fewer and shorter rounds: everything in a minute or two. */
  readonly quick: boolean;
  /** Says what is going on. */
  readonly progress: (line: string) => void;
  /** Ends the run; what was built for it is removed all the same. */
  readonly signal: AbortSignal;
}

/** A benchmark: its name, what its figures mean, and its figures as they come. */
export interface Benchmark {
  readonly name: string;
  readonly legend: string;
  measure(run: Run): AsyncGenerator<Result>;
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

/** The middle one of at least one value; of an even number the upper of the two in the middle. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** The figures as lines of text, in columns. */
export function table(results: readonly Result[]): string {
  const rows = results.map(({ name, value, unit, baseline, ratio, rounds }) => [
    name,
    figure(value),
    unit,
    figure(baseline),
    ratio.toFixed(2),
    String(rounds),
  ]);
  const all = [['name', 'value', 'unit', 'baseline', 'ratio', 'rounds'], ...rows];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  const isText = (column: number) => column === 0 || column === 2;
  return all
    .map((row) =>
      row
        .map((cell, i) => (isText(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join('  '),
    )
    .join('\n');
}

function figure(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 1000 ? 1 : 0 });
}
