import { loadAddon } from '../ts/native/addon.ts';
import { type Benchmark, type Result, type Round, type Run, summary } from './benchmark.ts';
import { newTrampoline, setUpHits } from './fast_path.ts';
import { FRAME_BYTES } from './frame.ts';
import { runPinned } from './pinned.ts';

const FLOWS = 1 << 16;
const PACKETS = 1 << 21;

/** Whether a second CPU doubles what the director does. */
export const twoCpus: Benchmark = {
  name: 'two_cpus',
  legend:
    'ns a packet of 65,536 known flows, NAT, on each of two CPUs at once, which share the table\n' +
    'and have half of the flows each; baseline: one CPU alone with its half; ratio: packets a\n' +
    'second of both / of one',
  measure,
};

async function* measure(run: Run): AsyncGenerator<Result> {
  run.progress(twoCpus.name);
  const addon = loadAddon();
  const { director, trampoline } = setUpHits(addon, FLOWS);
  const halves = [0, 1].map((half) => {
    const own = newTrampoline(addon, director, FLOWS / 2);
    const bytes = (FLOWS / 2) * FRAME_BYTES;
    const templates = new Uint8Array(trampoline.map('templates').mmap(), half * bytes, bytes);
    new Uint8Array(own.map('templates').mmap()).set(templates);
    return own;
  });
  const rounds: Round[] = [];
  try {
    while (rounds.length < (run.quick ? 5 : 15)) {
      run.signal.throwIfAborted();
      const [baseline = 0] = await runPinned(halves.slice(0, 1), PACKETS);
      const [first = 0, second = 0] = await runPinned(halves, PACKETS);
      const ratio = baseline / first + baseline / second;
      rounds.push({ value: (first + second) / 2, baseline, ratio });
    }
    yield summary('two_cpus.hit.64k', 'ns', rounds);
  } finally {
    for (const object of [...halves, trampoline, director]) object.close();
  }
}
