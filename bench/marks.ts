import type { MarkRule } from '../ts/lvs/marks/rule.ts';
import { Settings } from '../ts/native/abi.gen.ts';
import { loadAddon } from '../ts/native/addon.ts';
import { type Benchmark, type Result, type Round, type Run, summary } from './benchmark.ts';
import { setUpStrangers } from './fast_path.ts';
import { FRAME_BYTES } from './frame.ts';
import { onOneCpu } from './machine.ts';

/** Rules, and packets of which each fits another one of them. */
const SIZES = { '1': 1, '100': 100, '10k': 10_000 } as const;
/** Packets of one run. */
const PACKETS = 1 << 18;
const MARK = 9;

/** What it costs to find a packet's mark. */
export const marks: Benchmark = {
  name: 'marks',
  legend:
    'ns of CPU that mark rules add to a packet without a connection, by BPF_PROG_TEST_RUN;\n' +
    'baseline: the same packets and no rules; ratio: with rules / without',
  measure: (run) => onOneCpu(() => measureSizes(run)),
};

async function* measureSizes(run: Run): AsyncGenerator<Result> {
  for (const [size, count] of Object.entries(SIZES)) {
    run.progress(`marks.${size}`);
    yield summary(`marks.${size}`, 'ns', measureRules(count, run));
  }
}

/** With and without rules in turn: nobody has a service of the mark, so that nothing is opened. */
function measureRules(count: number, run: Run): Round[] {
  const { director, trampoline, dataplane } = setUpStrangers(loadAddon(), count);
  const settings = new DataView(director.map('settings').mmap());
  const ns = () =>
    trampoline.testRun('under_test', new Uint8Array(FRAME_BYTES), PACKETS).durationNs;
  try {
    dataplane.setMarks(Array.from({ length: count }, (_, i) => ruleFor(i)));
    const program = Settings.marks(settings, 0);
    // Every packet gets to the rules, or to where they would be.
    Settings.setMarksWide(settings, 0, 1);
    ns();
    return Array.from({ length: run.quick ? 7 : 15 }, () => {
      run.signal.throwIfAborted();
      Settings.setMarks(settings, 0, 0n);
      const baseline = ns();
      Settings.setMarks(settings, 0, program);
      const whole = ns();
      return { value: whole - baseline, baseline, ratio: whole / baseline };
    });
  } finally {
    trampoline.close();
    director.close();
  }
}

/** Of the i-th client, as flows.ts has them. */
function ruleFor(i: number): MarkRule {
  return {
    family: 4,
    source: { is: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32` },
    protocol: { is: 6 },
    destinationPorts: { is: [[80, 80]] },
    set: { value: MARK, mask: 0xffff_ffff },
  };
}
