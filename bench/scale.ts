import { statSync } from 'node:fs';
import { Client } from '../ts/api/client.ts';
import type { Operation } from '../ts/lvs/operation.ts';
import { Limits } from '../ts/native/abi.gen.ts';
import { type Entrant, withEntrants } from './arena.ts';
import {
  type Benchmark,
  compared,
  type Result,
  type Round,
  type Run,
  summary,
} from './benchmark.ts';
import { bareRedirect, direct, rules, xlvs } from './contenders.ts';
import { knownPacketNs, perFrame, sendFrames } from './load.ts';
import { type Rig, VIP } from './rig.ts';
import { median } from './statistics.ts';

/** A service with its destinations, so many times. */
interface Rules {
  readonly name: string;
  readonly services: number;
  readonly destinationsEach: number;
}

/** Powers of two by what they are called. */
const FLOW_BITS = { '1': 0, '1k': 10, '64k': 16, '1m': 20 } as const;
/** For a million flows, and some from before. */
const TABLE_CONNECTIONS = 1 << 21;
/** Flows that are opened stay for the whole benchmark. */
const UDP_TIMEOUT_S = 600;
const OPENED_PER_S = 200_000;
/** More than a few requests, so that the code that answers them is compiled. */
const REQUESTS = 41;

const director = xlvs({
  name: 'nat',
  method: '-m',
  connections: TABLE_CONNECTIONS,
  udpTimeoutS: UDP_TIMEOUT_S,
});

/** What grows with flows and rules, and what does not. */
export const scale: Benchmark = {
  name: 'scale',
  legend:
    'hit: CPU time of the director for a UDP packet of a known flow, NAT, over flows or over\n' +
    'rules (1,024 flows), baseline: the bare XDP redirect; load, list: ipvsadm -R, -L -n,\n' +
    'baseline: with six services; rule: a request that adds one destination, baseline: one\n' +
    'that changes nothing; services: with ten destinations each, as far as there is room;\n' +
    'destinations: of one service',
  measure: (run) =>
    withEntrants(run, 'scale', [bareRedirect, director], (entrants) => measureAll(run, entrants)),
};

async function* measureAll(run: Run, [redirect, nat]: readonly Entrant[]): AsyncGenerator<Result> {
  const pair: Pair = { redirect: redirect!.rig, nat: nat!.rig };
  yield* measureFlows(run, pair);
  const sizes = ruleSizes(run.quick ? [10_000] : [1000, 10_000]);
  for (const [i, size] of sizes.entries()) {
    run.progress(`scale: ${size.name}`, 0.4 + (0.6 * i) / sizes.length);
    yield* measureRules(run, pair, size);
  }
}

interface Pair {
  readonly redirect: Rig;
  readonly nat: Rig;
}

/** Services and destinations up to the issue's own sizes, or to what there is room for. */
function ruleSizes(counts: readonly number[]): Rules[] {
  const most = { services: Limits.MAX_SERVICES - 64, destinations: Limits.MAX_DESTINATIONS - 64 };
  const services = counts.map((wanted): Rules => {
    const count = Math.min(wanted, most.services);
    const destinationsEach = Math.min(10, Math.floor(most.destinations / count));
    return { name: `services.${sizeName(wanted)}`, services: count, destinationsEach };
  });
  const destinations = counts.map((wanted): Rules => {
    const destinationsEach = Math.min(wanted, most.destinations);
    return { name: `destinations.${sizeName(wanted)}`, services: 1, destinationsEach };
  });
  return [...services, ...destinations];
}

function sizeName(count: number): string {
  return `${count / 1000}k`;
}

async function* measureFlows(run: Run, pair: Pair): AsyncGenerator<Result> {
  const sizes = Object.entries(FLOW_BITS).filter(([size]) => size !== '1m' || !run.quick);
  for (const [i, [size, bits]] of sizes.entries()) {
    run.progress(`scale: ${size} flows`, (0.4 * i) / sizes.length);
    await openFlows(pair.nat, bits);
    yield summary(`scale.hit_flows.${size}`, 'ns', await hits(run, pair, bits));
  }
}

/** One packet of each flow, at a pace at which none is lost. */
async function openFlows(rig: Rig, bits: number): Promise<void> {
  const limit = 1 << bits;
  const seconds = limit / OPENED_PER_S + 0.2;
  const rate = OPENED_PER_S;
  await sendFrames(rig, { to: VIP, protocol: 'udp', seconds, rate, limit, flow_bits: bits });
}

async function hits(run: Run, { redirect, nat }: Pair, flow_bits: number): Promise<Round[]> {
  const frames = { protocol: 'udp', seconds: run.quick ? 0.3 : 1, flow_bits } as const;
  const rounds: Round[] = [];
  while (rounds.length < (run.quick ? 3 : 9)) {
    const baseline = perFrame(
      await sendFrames(redirect, { ...frames, to: bareRedirect.targets[0]! }),
    );
    rounds.push(compared(perFrame(await sendFrames(nat, { ...frames, to: VIP })), baseline));
  }
  return rounds;
}

async function* measureRules(run: Run, pair: Pair, size: Rules): AsyncGenerator<Result> {
  const [kind, count] = size.name.split('.') as [string, string];
  const client = new Client(socketOf(pair.nat));
  const loads: Round[] = [];
  const lists: Round[] = [];
  const changes: Round[] = [];
  for (let round = 0; round < (run.quick ? 1 : 5); round++) {
    const few = await loadAndList(pair.nat, rules('-m'));
    const many = await loadAndList(pair.nat, rules('-m') + ruleText(size));
    loads.push(compared(many.loadS, few.loadS));
    lists.push(compared(many.listS, few.listS));
    changes.push(await oneMoreRule(client));
  }
  yield summary(`scale.load_${kind}.${count}`, 's', loads);
  yield summary(`scale.list_${kind}.${count}`, 's', lists);
  yield summary(`scale.rule_${kind}.${count}`, 'ms', changes);
  await knownPacketNs(pair.nat, VIP, 0.2); // the flows once more: their rules are new ones
  yield summary(`scale.hit_${kind}.${count}`, 'ns', await hits(run, pair, FLOW_BITS['1k']));
}

/** Replaces all rules, by ipvsadm and its time with it, and lists them. */
async function loadAndList(rig: Rig, text: string): Promise<{ loadS: number; listS: number }> {
  await direct(rig, 'bin/compat/ipvsadm -C');
  const loadS = await timedS(() => direct(rig, 'bin/compat/ipvsadm -R', text));
  const listS = await timedS(() => direct(rig, 'bin/compat/ipvsadm -L -n'));
  return { loadS, listS };
}

/** Services of their own ports, and destinations that no packet goes to. */
function ruleText({ services, destinationsEach }: Rules): string {
  const lines: string[] = [];
  for (let i = 0; i < services; i++) {
    const service = `-t ${VIP}:${10_000 + i}`;
    lines.push(`-A ${service} -s rr\n`);
    for (let j = 0; j < destinationsEach; j++) {
      const number = i * destinationsEach + j;
      const address = `10.77.${(number >> 8) & 0xff}.${number & 0xff}`;
      lines.push(`-a ${service} -r ${address}:${8000 + (number >> 16)} -m -w 1\n`);
    }
  }
  return lines.join('');
}

/** A destination more and less, in turn with a question that costs nothing; in milliseconds. */
async function oneMoreRule(client: Client): Promise<Round> {
  const times: { value: number; baseline: number }[] = [];
  for (let i = 0; i < REQUESTS; i++) {
    const baseline = await timedS(() => client.timeouts());
    const value = await timedS(() => client.operations({ operations: [addition] }));
    await client.operations({ operations: [removal] });
    times.push({ value: value * 1000, baseline: baseline * 1000 });
  }
  return compared(
    median(times.map(({ value }) => value)),
    median(times.map(({ baseline }) => baseline)),
  );
}

const service = { protocol: 'tcp', family: 4, address: VIP, port: 10_000 } as const;
const destination = { address: '10.77.255.255', port: 80 } as const;
const addition: Operation = {
  op: 'addDestination',
  service,
  destination: { ...destination, method: 'masq', weight: 1 },
};
const removal: Operation = { op: 'deleteDestination', service, destination };

/** The daemon's socket, by its namespace's inode, as a client inside would find it. */
function socketOf(rig: Rig): string {
  return `/run/xlvs/netns-${statSync(`/run/netns/${rig.lab.namespace('director')}`).ino}`;
}

async function timedS(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}
