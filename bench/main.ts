import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../ts/native/addon.ts';
import type { Benchmark, Outcome, Result, Run, Skipped } from './benchmark.ts';
import { connectionRate } from './connection_rate.ts';
import { table } from './connection_table.ts';
import { fastPath } from './fast_path.ts';
import { flood } from './flood.ts';
import { latency } from './latency.ts';
import { machine } from './machine.ts';
import { marks } from './marks.ts';
import { peers } from './peers.ts';
import { type Progress, startProgress } from './progress.ts';
import { reportPage } from './report.ts';
import { restart } from './restart.ts';
import { scale } from './scale.ts';
import { staleness } from './staleness.ts';
import { tables } from './table.ts';
import { tickets } from './tickets.ts';
import { twoCpus } from './two_cpus.ts';

/**
 * `npm run bench [-- --quick] [--only NAME]`: every benchmark, or the named one. Prints one table,
 * and writes the same figures to bench/results/latest.json and, with plots, to latest.html. A
 * benchmark that fails is told at the end, after all others have run.
 */
const benchmarks: readonly Benchmark[] = [
  fastPath,
  table,
  marks,
  twoCpus,
  connectionRate,
  staleness,
  tickets,
  latency,
  scale,
  restart,
  flood,
  peers,
];

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
});
const chosen = benchmarks.filter(({ name }) => name === (options.only ?? name));

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort()).once('SIGTERM', () => interrupted.abort());

if (chosen.length === 0) {
  const names = benchmarks.map(({ name }) => name).join(', ');
  fail(`expected one of ${names} for --only, received ${options.only}`, 2);
} else if (process.getuid?.() !== 0) {
  fail('expected root, for CAP_BPF, CAP_NET_ADMIN and CAP_SYS_ADMIN', 1);
} else {
  await runChosen();
}

async function runChosen(): Promise<void> {
  const started = machine();
  const progress = startProgress(chosen.length);
  const outcomes: Outcome[] = [];
  for (const [i, benchmark] of chosen.entries()) {
    if (interrupted.signal.aborted) break;
    outcomes.push(await runOne(benchmark, progress, i));
  }
  progress.stop();
  if (interrupted.signal.aborted) {
    fail('interrupted', 130);
    return;
  }
  await report(started, outcomes);
  for (const { benchmark, failure } of outcomes) {
    if (failure !== undefined) fail(`${benchmark.name} failed: ${failure}`, 1);
  }
}

async function runOne(benchmark: Benchmark, progress: Progress, i: number): Promise<Outcome> {
  const results: Result[] = [];
  const skipped: Skipped[] = [];
  const run: Run = {
    quick: options.quick,
    progress: (line, done = 0) => progress.tell(line, i + done),
    signal: interrupted.signal,
  };
  try {
    for await (const one of benchmark.measure(run)) {
      if ('skipped' in one) skipped.push(one);
      else results.push(one);
    }
  } catch (error) {
    return { benchmark, results, skipped, failure: (error as Error).message };
  }
  return { benchmark, results, skipped };
}

async function report(machine: string, outcomes: readonly Outcome[]): Promise<void> {
  const folder = join(packageRoot(), 'bench', 'results');
  const results = outcomes.flatMap((outcome) => outcome.results);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'latest.json'), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(folder, 'latest.html'), await reportPage(machine, outcomes));
  console.log(`${machine}\n\n${tables(outcomes)}`);
}

function fail(message: string, status: number): void {
  console.error(`bench: ${message}`);
  process.exitCode = status;
}
