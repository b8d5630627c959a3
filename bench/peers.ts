import { type Entrant, inTurn, withEntrants } from './arena.ts';
import {
  type Benchmark,
  compared,
  type Result,
  type Run,
  type Skipped,
  summary,
} from './benchmark.ts';
import {
  bareRedirect,
  type Contender,
  dr,
  forwarding,
  haproxy,
  kernelIpvs,
  nat,
  nftables,
} from './contenders.ts';
import { bulk, connectionUs, knownPacketNs, newFlowNs, roundTrips } from './load.ts';

/** A figure's name, and its unit. */
const UNITS = {
  udp: 'ns',
  udp_new: 'ns',
  connection: 'us',
  bulk: 'Gb/s',
  bulk_cpu: 'ns/kB',
  udp_rtt: 'us',
  tcp_rtt: 'us',
} as const;

type Figure = keyof typeof UNITS;
/** What one round gave of a contender; without UDP where it takes none. */
type Figures = Partial<Readonly<Record<Figure, number>>>;

/** The first is what the others are compared with. */
const contenders = [bareRedirect, nat, dr, forwarding, nftables, haproxy, kernelIpvs] as const;

/** What others do with the same packets. */
export const peers: Benchmark = {
  name: 'peers',
  legend:
    'udp, udp_new: CPU time of the director for a packet of a known, of a new flow;\n' +
    'connection: the same for a TCP connection; bulk: one TCP connection, bulk_cpu: its CPU\n' +
    'time; udp_rtt, tcp_rtt: round trips; nat and dr are xlvs; baseline: the bare XDP\n' +
    'redirect',
  measure,
};

async function* measure(run: Run): AsyncGenerator<Result | Skipped> {
  const present = contenders.filter((one) => one.missing?.() === undefined);
  yield* withEntrants(run, 'peers', present, (entrants) => measureAll(run, entrants));
  for (const { name, missing } of contenders) {
    const skipped = missing?.();
    if (skipped !== undefined) yield { name: `peers.${name}`, skipped };
  }
}

async function* measureAll(run: Run, entrants: readonly Entrant[]): AsyncGenerator<Result> {
  const wanted = run.quick ? 3 : 9;
  const rounds: Map<Contender, Figures>[] = [];
  for (let round = 0; round < wanted; round++) {
    const figures = new Map<Contender, Figures>();
    for (const [i, entrant] of inTurn(entrants, round).entries()) {
      const done = (round + i / entrants.length) / wanted;
      run.progress(`peers ${round + 1}/${wanted}: ${entrant.contender.name}`, done);
      figures.set(entrant.contender, await measureOne(entrant, run.quick, round));
    }
    rounds.push(figures);
  }
  for (const { contender } of entrants) yield* results(contender, rounds);
}

async function measureOne(
  { contender, rig }: Entrant,
  quick: boolean,
  round: number,
): Promise<Figures> {
  const to = contender.targets[0]!;
  const seconds = quick ? 0.3 : 1.5;
  // The first round brings addresses and code into the caches for all that come.
  const streamed = await bulk(rig, to, seconds);
  const tcp: Figures = {
    connection: await connectionUs(rig, contender, seconds),
    bulk: streamed.gbps,
    bulk_cpu: streamed.nsPerKb,
    tcp_rtt: (await roundTrips(rig, 'tcp', { to, seconds })).p50_us,
  };
  if (contender.tcpOnly) return tcp;
  const firstNew = round * 1_000_000;
  return {
    udp: await knownPacketNs(rig, to, seconds),
    udp_new: await newFlowNs(rig, to, { seconds, firstNew }),
    udp_rtt: (await roundTrips(rig, 'udp', { to, seconds })).p50_us,
    ...tcp,
  };
}

function* results(
  contender: Contender,
  rounds: readonly ReadonlyMap<Contender, Figures>[],
): Generator<Result> {
  for (const [figure, unit] of Object.entries(UNITS) as [Figure, string][]) {
    const compares = rounds.flatMap((figures) => {
      const value = figures.get(contender)?.[figure];
      const baseline = figures.get(bareRedirect)?.[figure];
      return value === undefined || baseline === undefined ? [] : [compared(value, baseline)];
    });
    if (compares.length > 0) yield summary(`peers.${contender.name}.${figure}`, unit, compares);
  }
}
