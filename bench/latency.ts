import { type Entrant, inTurn, withEntrants } from './arena.ts';
import { type Benchmark, compared, type Result, type Run, summary } from './benchmark.ts';
import { bareRedirect, type Contender, forwarding, nat } from './contenders.ts';
import { type RoundTrips, roundTrips } from './load.ts';
import { estimateMedian, pairedDifferences } from './statistics.ts';

const PROTOCOLS = ['udp', 'tcp'] as const;
const QUANTILES = ['p50', 'p90', 'p99'] as const;

type Protocol = (typeof PROTOCOLS)[number];
type Quantile = (typeof QUANTILES)[number];
type Round = ReadonlyMap<Contender, RoundTrips>;

/** Round trips of small messages through the director. */
export const latency: Benchmark = {
  name: 'latency',
  legend:
    'round trips in ping-pong, client to real server: medians of the rounds, nat is xlvs;\n' +
    'added: what nat takes more than the bare redirect right beside it, with both ends of the\n' +
    '95 % confidence interval (bootstrap of the paired differences of the medians); baseline:\n' +
    'the bare XDP redirect; ratio: of added (baseline + value) / baseline',
  measure: (run) =>
    withEntrants(run, 'latency', [bareRedirect, nat, forwarding], (entrants) =>
      measureAll(run, entrants),
    ),
};

/** Many short rounds: what others do to the machine changes slowly, and pairs stay pairs. */
async function* measureAll(run: Run, entrants: readonly Entrant[]): AsyncGenerator<Result> {
  const wanted = run.quick ? 20 : 100;
  const seconds = run.quick ? 0.1 : 0.2;
  const rounds: Record<Protocol, Round[]> = { udp: [], tcp: [] };
  for (let round = 0; round < wanted; round++) {
    run.progress(`latency ${round + 1}/${wanted}`, round / wanted);
    for (const protocol of PROTOCOLS) {
      const times = new Map<Contender, RoundTrips>();
      for (const { contender, rig } of inTurn(entrants, round)) {
        const to = contender.targets[0]!;
        times.set(contender, await roundTrips(rig, protocol, { to, seconds }));
      }
      rounds[protocol].push(times);
    }
  }
  for (const protocol of PROTOCOLS) {
    for (const { contender } of entrants) yield* quantiles(protocol, contender, rounds[protocol]);
    yield* added(protocol, rounds[protocol]);
  }
}

function* quantiles(
  protocol: Protocol,
  contender: Contender,
  rounds: readonly Round[],
): Generator<Result> {
  for (const quantile of QUANTILES) {
    const pairs = timesOf(contender, quantile, rounds);
    const name = `latency.${protocol}_${contender.name}.${quantile}`;
    yield summary(
      name,
      'us',
      pairs.map(([value, baseline]) => compared(value, baseline)),
    );
  }
}

/** What xlvs adds to the redirect, and between what bounds. */
function* added(protocol: Protocol, rounds: readonly Round[]): Generator<Result> {
  const differences = pairedDifferences(timesOf(nat, 'p50', rounds));
  const [redirect] = quantiles(protocol, bareRedirect, rounds);
  const { baseline } = redirect!;
  const { value, low, high } = estimateMedian(differences);
  for (const [name, one] of Object.entries({ added: value, added_low: low, added_high: high })) {
    yield {
      name: `latency.${protocol}.${name}`,
      value: one,
      unit: 'us',
      baseline,
      ratio: (baseline + one) / baseline,
      rounds: rounds.length,
    };
  }
}

function timesOf(
  contender: Contender,
  quantile: Quantile,
  rounds: readonly Round[],
): (readonly [number, number])[] {
  const time = (round: Round, one: Contender) => round.get(one)![`${quantile}_us`];
  return rounds.map((round) => [time(round, contender), time(round, bareRedirect)]);
}
