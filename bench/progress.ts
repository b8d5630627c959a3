import { Presets, SingleBar } from 'cli-progress';

/** Tells on standard error how far the run is: a bar on a terminal, else a line for each step. */
export interface Progress {
  /** `done`: of the benchmarks, those that are finished and a part of the present one. */
  tell(line: string, done: number): void;
  stop(): void;
}

/** Progress of so many benchmarks. */
export function startProgress(benchmarks: number): Progress {
  return process.stderr.isTTY ? bar(benchmarks) : lines();
}

function bar(benchmarks: number): Progress {
  const bar = new SingleBar(
    {
      format: '{bar} {percentage} %  {line}',
      barsize: 30,
      hideCursor: true,
      clearOnComplete: true,
      // Whoever interrupts the run has to get past the removal of what was built for it.
      gracefulExit: false,
    },
    Presets.shades_classic,
  );
  bar.start(benchmarks, 0, { line: '' });
  return { tell: (line, done) => bar.update(done, { line }), stop: () => bar.stop() };
}

function lines(): Progress {
  return { tell: (line) => console.error(`bench: ${line}`), stop: () => {} };
}
