import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Benchmark,
  compared,
  type Result,
  type Round,
  type Run,
  type Skipped,
  summary,
  worst,
} from './benchmark.ts';
import { direct, nat } from './contenders.ts';
import { type Passage, sendFrames } from './load.ts';
import { Rig, VIP } from './rig.ts';

/** Of them every 51st opens a connection: 100,000 and 2,000 a second. */
const FRAMES_PER_S = 102_000;
const NEW_EVERY = 51;
const FLOW_BITS = 10;
const OPENED_PER_S = 20_000;
/** Longer than a daemon takes to come back. */
const LONGEST_S = 120;

/** What is done to the director while the traffic goes on. */
interface Disturbance {
  readonly name: string;
  /** Why it cannot be done. */
  readonly missing?: (rig: Rig) => Promise<string | undefined>;
  /** Takes `pauseS` until a director that was killed is started; resolves to how long that took. */
  readonly act: (rig: Rig, pauseS: number) => Promise<number>;
}

const disturbances: readonly Disturbance[] = [
  {
    name: 'kill',
    async act(rig, pauseS) {
      for (const pid of await rig.directorPids()) process.kill(pid, 'SIGKILL');
      await sleep(pauseS * 1000);
      return timed(() => direct(rig, 'bin/xlvs daemon'));
    },
  },
  {
    name: 'replace',
    async missing(rig) {
      const help = await direct(rig, 'bin/xlvs daemon --help');
      return help.includes('--replace') ? undefined : 'xlvs daemon has no --replace yet';
    },
    act: (rig) => timed(() => direct(rig, 'bin/xlvs daemon --replace')),
  },
];

/** What established and new connections see of a daemon that dies. */
export const restart: Benchmark = {
  name: 'restart',
  legend:
    '100,000 packets/s of 1,024 established TCP connections and 2,000 new ones/s through NAT;\n' +
    'kill: kill -9, and a new daemon later; replace: xlvs daemon --replace; lost: packets,\n' +
    'refused: SYNs that no real server got, the worst round; baseline: an undisturbed round;\n' +
    'ratio: the share that arrived / that of the baseline; back: until the daemon answers,\n' +
    'baseline: its first start',
  measure,
};

async function* measure(run: Run): AsyncGenerator<Result | Skipped> {
  run.progress('restart: building the network', 0);
  const rig = await Rig.up('restart', run.signal);
  try {
    const startedS = await timed(() => nat.start(rig));
    await open(rig);
    const traffic = new Traffic(rig);
    for (const [i, disturbance] of disturbances.entries()) {
      const skipped = await disturbance.missing?.(rig);
      const name = `restart.${disturbance.name}`;
      if (skipped !== undefined) yield { name, skipped };
      else
        yield* measureOne(run, rig, {
          disturbance,
          traffic,
          startedS,
          done: i / disturbances.length,
        });
    }
  } finally {
    await rig.down();
  }
}

interface Task {
  readonly disturbance: Disturbance;
  readonly traffic: Traffic;
  readonly startedS: number;
  readonly done: number;
}

async function* measureOne(
  run: Run,
  rig: Rig,
  { disturbance, traffic, startedS, done }: Task,
): AsyncGenerator<Result> {
  const { name } = disturbance;
  const wanted = run.quick ? 1 : 3;
  const seconds = run.quick ? 5 : 30;
  const pairs: Pair[] = [];
  const back: Round[] = [];
  for (let round = 0; round < wanted; round++) {
    run.progress(
      `restart ${round + 1}/${wanted}: ${name}`,
      done + round / wanted / disturbances.length,
    );
    const quiet = await traffic.run(seconds);
    const acted = disturb(rig, disturbance, seconds / 4);
    const [tookS, disturbed] = await Promise.all([acted, traffic.run(LONGEST_S, acted)]);
    back.push(compared(tookS, startedS));
    pairs.push({ quiet, disturbed });
  }
  yield worst(`restart.${name}.lost`, '', pairs.map(missed('known')));
  yield worst(`restart.${name}.refused`, '', pairs.map(missed('opening')));
  yield summary(`restart.${name}.back`, 's', back);
}

/** Disturbs the director in the midst of the traffic; resolves to what its return took. */
async function disturb(rig: Rig, { act }: Disturbance, pauseS: number): Promise<number> {
  await sleep(pauseS * 1000);
  const tookS = await act(rig, pauseS);
  await sleep(pauseS * 1000);
  return tookS;
}

/** The established connections: a SYN for each of them, and the packets after it make the rest. */
async function open(rig: Rig): Promise<void> {
  const limit = 1 << FLOW_BITS;
  const { sent, received } = await sendFrames(rig, {
    to: VIP,
    protocol: 'tcp',
    seconds: limit / OPENED_PER_S + 0.1,
    rate: OPENED_PER_S,
    limit,
    flow_bits: FLOW_BITS,
    open: 1,
  });
  if (received.opening === limit && sent.known === limit) return;
  throw new Error(`expected ${limit} connections, received ${received.opening}`);
}

/** Established and new connections together; a new one comes once in a life. */
class Traffic {
  readonly #rig: Rig;
  #opened = 0;

  constructor(rig: Rig) {
    this.#rig = rig;
  }

  /** So many seconds of it, at the longest until then. */
  async run(seconds: number, until?: Promise<unknown>): Promise<Passage> {
    const frames = {
      to: VIP,
      protocol: 'tcp',
      seconds,
      rate: FRAMES_PER_S,
      flow_bits: FLOW_BITS,
      new_every: NEW_EVERY,
      first_new: this.#opened,
    } as const;
    const passage = await sendFrames(this.#rig, frames, until);
    this.#opened += passage.sent.opening;
    return passage;
  }
}

interface Pair {
  readonly quiet: Passage;
  readonly disturbed: Passage;
}

/** How many frames of one kind did not arrive. */
function missed(kind: 'known' | 'opening'): (pair: Pair) => Round {
  const lost = ({ sent, received }: Passage) => sent[kind] - received[kind];
  const share = ({ sent, received }: Passage) => received[kind] / sent[kind];
  return ({ quiet, disturbed }) => ({
    value: lost(disturbed),
    baseline: lost(quiet),
    ratio: share(disturbed) / share(quiet),
  });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}
