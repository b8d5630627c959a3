import { type Entrant, withEntrants } from './arena.ts';
import { type Benchmark, compared, type Result, type Run, summary, worst } from './benchmark.ts';
import { bareRedirect, type Contender, xlvs } from './contenders.ts';
import { dropAnswers, type RoundTrips, roundTrips, sendFrames } from './load.ts';
import type { Rig } from './rig.ts';

const SYN_PER_S = 1_000_000;
/** The ping-pong goes already then, and the sender sends. */
const WARM_UP_S = 0.5;

/** The ping-pong by UDP pauses while that by TCP is played, and no new flow finds room then. */
const director = xlvs({ name: 'nat', method: '-m', udpTimeoutS: 600 });

/** What is played, and through what. */
interface Case {
  readonly name: string;
  readonly contender: Contender;
  readonly protocol: 'tcp' | 'udp';
}

const cases: readonly Case[] = [
  { name: 'tcp', contender: director, protocol: 'tcp' },
  { name: 'udp', contender: director, protocol: 'udp' },
  { name: 'redirect', contender: bareRedirect, protocol: 'tcp' },
];

interface Pair {
  readonly quiet: RoundTrips;
  readonly flooded: RoundTrips;
  /** SYNs that were sent, each second. */
  readonly rate: number;
}

/** What a flood of SYNs does to those who are connected. */
export const flood: Benchmark = {
  name: 'flood',
  legend:
    'round trips of an established ping-pong through NAT under 1,000,000 SYN/s, each from an\n' +
    'address of its own, to another service; redirect: TCP through a bare redirect, which is\n' +
    'what the hosts add by themselves; lost: messages, the worst round; baseline: the same\n' +
    'without a flood; rate: SYNs that were sent each second, baseline: what was asked for',
  measure: (run) =>
    withEntrants(run, 'flood', [director, bareRedirect], (entrants) =>
      measureRounds(run, entrants),
    ),
};

async function* measureRounds(run: Run, entrants: readonly Entrant[]): AsyncGenerator<Result> {
  const wanted = run.quick ? 2 : 5;
  const seconds = run.quick ? 2 : 10;
  const all = cases.map((one) => {
    const { rig } = entrants.find(({ contender }) => contender === one.contender)!;
    return { ...one, rig, pairs: [] as Pair[] };
  });
  // All are established before the first flood: afterwards the table is full.
  for (const one of all) await game(one, 0.1);
  // SYN cookies are as many answers.
  for (const { rig } of entrants) await dropAnswers(rig);
  let sent = 0;
  for (let round = 0; round < wanted; round++) {
    for (const [i, one] of all.entries()) {
      run.progress(`flood ${round + 1}/${wanted}: ${one.name}`, (round + i / all.length) / wanted);
      const { trips: quiet } = await play(one, { seconds, first: 0, limit: 0 });
      const limit = Number.MAX_SAFE_INTEGER;
      const { trips, syns } = await play(one, { seconds, first: sent, limit });
      sent += syns;
      one.pairs.push({ quiet, flooded: trips, rate: syns / (seconds + WARM_UP_S) });
    }
  }
  for (const { name, pairs } of all) yield* results(name, pairs);
}

/** A case on the rig of its contender. */
type Played = Case & { readonly rig: Rig };

function game({ rig, contender, protocol }: Played, seconds: number): Promise<RoundTrips> {
  return roundTrips(rig, protocol, { to: contender.targets[0]!, seconds, warmUpS: WARM_UP_S });
}

interface Flood {
  readonly seconds: number;
  /** The number of the first SYN, and how many there may be. */
  readonly first: number;
  readonly limit: number;
}

/**
 * Plays while the sender works. In a quiet round it works as well and holds every frame back: it
 * takes its part of the hosts' CPU in both.
 */
async function play(
  one: Played,
  { seconds, first, limit }: Flood,
): Promise<{ trips: RoundTrips; syns: number }> {
  const playing = game(one, seconds);
  playing.catch(() => {}); // told below
  const { sent } = await sendFrames(one.rig, {
    to: one.contender.targets[0]!,
    protocol: 'tcp',
    seconds: seconds + WARM_UP_S,
    rate: SYN_PER_S,
    limit,
    new_every: 1,
    first_new: first,
  });
  return { trips: await playing, syns: sent.opening };
}

function* results(name: string, pairs: readonly Pair[]): Generator<Result> {
  for (const quantile of ['p50', 'p90', 'p99'] as const) {
    const times = pairs.map(({ flooded, quiet }) =>
      compared(flooded[`${quantile}_us`], quiet[`${quantile}_us`]),
    );
    yield summary(`flood.${name}.${quantile}`, 'us', times);
  }
  const losses = pairs.map(({ flooded, quiet }) => ({
    value: flooded.lost,
    baseline: quiet.lost,
    ratio: (1 - flooded.lost / flooded.sent) / (1 - quiet.lost / quiet.sent),
  }));
  yield worst(`flood.${name}.lost`, '', losses);
  const rates = pairs.map(({ rate }) => compared(rate, SYN_PER_S));
  yield summary(`flood.${name}.rate`, '1/s', rates);
}
