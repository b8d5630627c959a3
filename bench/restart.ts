import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Benchmark,
  compared,
  type Result,
  type Round,
  type Run,
  summary,
  worst,
} from './benchmark.ts';
import { direct, nat } from './contenders.ts';
import type { Passage } from './load.ts';
import { PORTS, Rig, VIP } from './rig.ts';
import { openFlows, Traffic } from './traffic.ts';

/** Of them every 51st opens a connection: 100,000 and 2,000 a second. */
const FRAMES_PER_S = 102_000;
const NEW_EVERY = 51;
/** Longer than a daemon takes to come back. */
const LONGEST_S = 120;

/** What is done to the director while the traffic goes on. */
interface Disturbance {
  readonly name: string;
  /** What ipvsadm -E makes of the service; by ticket if nothing. */
  readonly scheduling?: string;
  /** Takes `pauseS` until a director that was killed is started; resolves to how long that took. */
  readonly act: (rig: Rig, pauseS: number) => Promise<number>;
}

const disturbances: readonly Disturbance[] = [
  { name: 'kill', act: kill },
  { name: 'kill_exact', scheduling: '-b exact', act: kill },
  { name: 'replace', act: (rig) => timed(() => direct(rig, 'bin/xlvs daemon --replace')) },
];

async function kill(rig: Rig, pauseS: number): Promise<number> {
  for (const pid of await rig.directorPids()) process.kill(pid, 'SIGKILL');
  await sleep(pauseS * 1000);
  return timed(() => direct(rig, 'bin/xlvs daemon'));
}

/** What established and new connections see of a daemon that dies. */
export const restart: Benchmark = {
  name: 'restart',
  legend:
    '100,000 packets/s of 1,024 established TCP connections and 2,000 new ones/s through NAT;\n' +
    'kill: kill -9, and a new daemon later; kill_exact: the same where the slow path decides;\n' +
    'replace: xlvs daemon --replace; lost: packets, refused: SYNs that no real server got,\n' +
    'the worst round; baseline: an undisturbed round; ratio: the share that arrived / that of\n' +
    'the baseline; back: until the daemon answers, baseline: its first start',
  measure,
};

async function* measure(run: Run): AsyncGenerator<Result> {
  run.progress('restart: building the network', 0);
  const rig = await Rig.up('restart', run.signal);
  try {
    const startedS = await timed(() => nat.start(rig));
    // Clients that never answer are what it would take for a flood.
    await direct(rig, 'bin/xlvs set syn_cookies=off');
    await openFlows(rig);
    const options = { protocol: 'tcp', rate: FRAMES_PER_S, new_every: NEW_EVERY } as const;
    const traffic = new Traffic(rig, options);
    for (const [i, disturbance] of disturbances.entries()) {
      const { scheduling = '' } = disturbance;
      await direct(rig, `bin/compat/ipvsadm -E -t ${VIP}:${PORTS.sink} -s rr ${scheduling}`.trim());
      const done = i / disturbances.length;
      yield* measureOne(run, rig, { disturbance, traffic, startedS, done });
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
