import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release } from 'node:os';

/** What the figures depend on: CPUs, kernel, Node. */
export function machine(): string {
  const all = cpus();
  return `${all.length} x ${all[0]?.model.trim()}, Linux ${release()}, Node ${process.version}`;
}

/** Does the work with this process's main thread on one CPU, the last one it may use. */
export async function* onOneCpu<T>(work: () => AsyncGenerator<T>): AsyncGenerator<T> {
  const before = allowedCpus();
  setAllowedCpus(before.split(/[,-]/).at(-1)!);
  try {
    yield* work();
  } finally {
    setAllowedCpus(before);
  }
}

/** CPU time of the whole machine since it started, in seconds of one CPU. */
export interface CpuTime {
  readonly busyS: number;
  readonly totalS: number;
}

/** Reads the machine's CPU time. */
export function cpuTime(): CpuTime {
  // user nice system idle iowait irq softirq steal, in ticks of USER_HZ: proc_stat(5)
  const [first = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const seconds = first
    .trim()
    .split(/\s+/)
    .slice(1, 9)
    .map((ticks) => Number(ticks) / 100);
  const totalS = seconds.reduce((sum, one) => sum + one, 0);
  return { busyS: totalS - seconds[3]! - seconds[4]!, totalS };
}

function allowedCpus(): string {
  return /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!;
}

function setAllowedCpus(list: string): void {
  // Of a process id taskset changes the main thread only, which is the one that measures.
  execFileSync('taskset', ['-pc', list, String(process.pid)], { stdio: 'ignore' });
}
