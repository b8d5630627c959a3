import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BpfObject, packageRoot } from '../ts/native/addon.ts';
import { FRAME_BYTES } from './frame.ts';
import { allowedCpus } from './machine.ts';

/** Runs each trampoline on a CPU of its own, all at once; what each took for a packet, in ns. */
export async function runPinned(
  trampolines: readonly BpfObject[],
  packets: number,
): Promise<number[]> {
  const cpus = allowedCpus();
  const runners = trampolines.map((trampoline, i) => {
    if (cpus[i] === undefined) throw new Error(`expected ${i + 1} CPUs, received ${cpus.length}`);
    return `${cpus[i]}:${trampoline.programId('under_test')}`;
  });
  const program = join(packageRoot(), 'build', 'bench', 'pinned');
  const argv = [`${FRAME_BYTES}`, `${packets}`, ...runners];
  const { stdout } = await promisify(execFile)(program, argv);
  return JSON.parse(stdout) as number[];
}
