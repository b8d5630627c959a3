import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

/** What the figures depend on: CPUs, memory, kernel, Node, and what else the machine was doing. */
export function machine(): string {
  const all = cpus();
  const memoryGib = Math.round(totalmem() / 2 ** 30);
  const load = loadavg()[0]!.toFixed(1);
  return (
    `${all.length} x ${all[0]?.model.trim()}, ${memoryGib} GiB, Linux ${release()}, ` +
    `Node ${process.version}, load ${load}`
  );
}

/** Does the work with this process's main thread on one CPU, the last one it may use. */
export async function* onOneCpu<T>(work: () => AsyncGenerator<T>): AsyncGenerator<T> {
  const before = allowedList();
  setAllowedCpus(`${allowedCpus().at(-1)}`);
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

/** A kernel thread that polls an interface, of whichever network namespace. */
export interface NapiThread {
  readonly tid: number;
  readonly device: string;
}

/** The threads that poll interfaces: named napi/DEVICE-ID. */
export function napiThreads(): NapiThread[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const device = /^napi\/(.+)-\d+\n$/.exec(read(`/proc/${pid}/comm`))?.[1];
      return device === undefined ? [] : [{ tid: Number(pid), device }];
    });
}

/** CPU time of one thread since it started; 0 of one that has ended. */
export function threadTimeNs(tid: number | string): number {
  return Number(read(`/proc/${tid}/schedstat`).split(' ')[0]);
}

/** CPU time of a process's threads since they started. */
export function processTimeNs(pid: number | string): number {
  return entries(`/proc/${pid}/task`)
    .map(threadTimeNs)
    .reduce((sum, time) => sum + time, 0);
}

/** The CPUs that this process may use, ascending. */
export function allowedCpus(): number[] {
  return allowedList()
    .split(',')
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}

function allowedList(): string {
  return /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!;
}

function setAllowedCpus(list: string): void {
  // Of a process id taskset changes the main thread only, which is the one that measures.
  execFileSync('taskset', ['-pc', list, String(process.pid)], { stdio: 'ignore' });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it ended
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // it ended
  }
}
