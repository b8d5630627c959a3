import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../ts/native/addon.ts';
import { type Benchmark, type Result, type Run, table } from './benchmark.ts';
import { connectionRate } from './connection_rate.ts';
import { fastPath } from './fast_path.ts';
import { machine } from './machine.ts';
import { staleness } from './staleness.ts';

/**
 * `npm run bench [-- --quick] [--only NAME]`: every benchmark, or the named one. Prints one table,
 * and writes the same figures to bench/results/latest.json.
 */
const benchmarks: readonly Benchmark[] = [fastPath, connectionRate, staleness];

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
  try {
    report(await measureAll({ quick: options.quick, progress, signal: interrupted.signal }));
  } catch (error) {
    if (interrupted.signal.aborted) fail('interrupted', 130);
    else fail((error as Error).message, 1);
  }
}

async function measureAll(run: Run): Promise<Result[]> {
  const results: Result[] = [];
  for (const benchmark of chosen) {
    for await (const result of benchmark.measure(run)) results.push(result);
  }
  return results;
}

function report(results: readonly Result[]): void {
  const path = join(packageRoot(), 'bench', 'results', 'latest.json');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`);
  console.log(`${machine()}\n\n${table(results)}\n`);
  for (const { name, legend } of chosen) console.log(`${name}: ${legend}\n`);
}

function progress(line: string): void {
  console.error(`bench: ${line}`);
}

function fail(message: string, status: number): void {
  console.error(`bench: ${message}`);
  process.exitCode = status;
}
