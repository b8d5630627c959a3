import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { Stations } from '../ts/dataplane/stations.ts';
import { mapSizes, XdpDataplane } from '../ts/dataplane/xdp.ts';
import { DEFAULT_TIMEOUTS } from '../ts/lvs/connection.ts';
import type { DestinationSpec, ForwardingMethod, ServiceId } from '../ts/lvs/operation.ts';
import { SLOTS } from '../ts/lvs/schedulers/dh.ts';
import {
  type Addon,
  type BpfObject,
  loadAddon,
  objectPath,
  packageRoot,
} from '../ts/native/addon.ts';
import type { Family } from '../ts/net/address.ts';
import { type Benchmark, type Result, type Round, type Run, summary } from './benchmark.ts';
import {
  clearConnections,
  type Flows,
  publishTickets,
  routeReplies,
  routeRequests,
  writeTemplates,
} from './flows.ts';
import { FRAME_BYTES, TCP_ACK, TCP_SYN } from './frame.ts';
import { onOneCpu } from './machine.ts';

/** One kind of packet, and where the director has to take every one of them. */
interface Case {
  readonly name: string;
  /** Its sizes, in flows. */
  readonly sizes: readonly Size[];
  readonly family: Family;
  readonly method: ForwardingMethod;
  /** What of the flow the director knows beforehand. */
  readonly known: 'connection' | 'tickets' | 'table' | 'service' | 'nothing';
  readonly flags: number;
  readonly verdict: string;
}

type Size = keyof typeof FLOWS;

const FLOWS = { '1': 1, '1k': 1 << 10, '64k': 1 << 16, '1m': 1 << 20 } as const;

const hit = {
  sizes: ['1', '1k', '64k', '1m'],
  known: 'connection',
  flags: TCP_ACK,
  verdict: 'forwarded_in',
} as const;

const opened = {
  sizes: ['64k', '1m'],
  family: 4,
  method: 'masq',
  flags: TCP_SYN,
  verdict: 'forwarded_in',
} as const;

const cases: readonly Case[] = [
  { ...hit, name: 'nat', family: 4, method: 'masq' },
  { ...hit, name: 'dr', family: 4, method: 'route' },
  { ...hit, name: 'tun', family: 4, method: 'tunnel' },
  { ...hit, name: 'nat6', family: 6, method: 'masq' },
  { ...opened, name: 'new', known: 'tickets' },
  { ...opened, name: 'new_sh', known: 'table' },
  {
    name: 'miss',
    sizes: ['1'],
    family: 4,
    method: 'masq',
    known: 'service',
    flags: TCP_SYN,
    // No socket listens here: the whole way to the slow path but its last step, the redirect.
    verdict: 'dropped_no_slow_path',
  },
  {
    name: 'not_ours',
    sizes: ['1'],
    family: 4,
    method: 'masq',
    known: 'nothing',
    flags: TCP_SYN,
    verdict: 'passed_not_ours',
  },
];

/** The table is sized to what it holds, but never smaller than this. */
const MIN_CONNECTIONS = 65_536;
const DESTINATIONS = 1000;
/** For the timeouts; the settings themselves say 0, and then no heartbeat is ever late. */
const HZ = 250;
/** Of one run, at least: one that is shorter is lost in the clock's grain. */
const PACKETS = 1 << 18;
const XDP_REDIRECT = 4;

/** Nanoseconds that the XDP program takes for one packet. */
export const fastPath: Benchmark = {
  name: 'fast_path',
  legend:
    'ns of CPU a packet that the director adds to a bare XDP redirect, by BPF_PROG_TEST_RUN;\n' +
    'baseline: the redirect with its test loop; ratio: director with test loop / baseline',
  measure: (run) => onOneCpu(() => measureCases(run)),
};

async function* measureCases(run: Run): AsyncGenerator<Result> {
  const addon = loadAddon();
  for (const one of cases) {
    for (const size of one.sizes.filter((size) => size !== '1m' || !run.quick)) {
      const name = `fast_path.${one.name}${one.known === 'nothing' ? '' : `.${size}`}`;
      run.progress(name);
      yield summary(name, 'ns', await measureCase(addon, one, FLOWS[size], run));
    }
  }
}

/** Redirect and director in turn, over the same packets. */
async function measureCase(addon: Addon, one: Case, count: number, run: Run): Promise<Round[]> {
  const wanted = run.quick ? 7 : 15;
  // Of new flows each packet is another one.
  const isNew = one.known === 'tickets' || one.known === 'table';
  const repeat = isNew ? count : Math.max(PACKETS, count);
  const rig = setUp(addon, one, count);
  const { director, trampoline, dataplane } = rig;
  const ns = (program: 'under_test' | 'baseline') =>
    trampoline.testRun(program, new Uint8Array(FRAME_BYTES), repeat).durationNs;
  const rounds: Round[] = [];
  try {
    if (one.known === 'connection') openConnections(rig);
    ns('under_test'); // brings the tables into the caches as far as they fit
    if (isNew) clearConnections(director);
    new Uint8Array(director.map('verdicts').mmap()).fill(0);
    while (rounds.length < wanted) {
      await breathe();
      run.signal.throwIfAborted();
      const baseline = ns('baseline');
      const whole = ns('under_test');
      if (isNew) clearConnections(director);
      rounds.push({ value: whole - baseline, baseline, ratio: whole / baseline });
    }
    expectVerdict(dataplane, one, repeat * wanted);
  } finally {
    trampoline.close();
    director.close();
  }
  return rounds;
}

/** Opens a connection of every flow, with next hops for both directions. */
function openConnections({ director, trampoline, dataplane, flows }: Rig): void {
  const templates = trampoline.map('templates').mmap();
  writeTemplates(templates, { ...flows, flags: TCP_SYN });
  trampoline.testRun('under_test', new Uint8Array(FRAME_BYTES), flows.count);
  const opened = routeReplies(director, dataplane.routeGeneration);
  if (opened !== flows.count)
    throw new Error(`expected ${flows.count} connections, received ${opened}`);
  writeTemplates(templates, flows);
}

/** A director with as many NAT connections, and the trampoline with a packet of each. */
export function setUpHits(addon: Addon, count: number): Rig {
  const rig = setUp(addon, cases[0]!, count);
  openConnections(rig);
  return rig;
}

/** A director without rules, and the trampoline with the first packet of as many clients. */
export function setUpStrangers(addon: Addon, count: number): Rig {
  return setUp(addon, cases.find(({ known }) => known === 'nothing')!, count);
}

interface Rig {
  readonly director: BpfObject;
  readonly trampoline: BpfObject;
  readonly dataplane: XdpDataplane;
  readonly flows: Flows;
}

/** Test runs come by lo, whose MAC address is that of the frames: all zeros. */
function listenAtLoopback(director: BpfObject): void {
  const [settings, stations] = ['settings', 'stations'].map((name) => director.map(name).mmap());
  const lo = { ifindex: 1, mac: '00:00:00:00:00:00', ethernet: true, deviceKind: '' };
  new Stations({ settings: settings!, stations: stations! }).update([
    { ...lo, lower: 0, master: 0 },
  ]);
}

/** The director's own object with the flows in its tables, and the trampoline that calls it. */
function setUp(addon: Addon, one: Case, count: number): Rig {
  const flows = flowsOf(one, count);
  // An IPv6 connection takes two slots.
  const connections = Math.max(MIN_CONNECTIONS, one.family === 6 ? 2 * count : count);
  const maxEntries = mapSizes({ connections, cpus: addon.possibleCpus() });
  const director = new addon.BpfObject(objectPath(), { maxEntries, reuse: {} });
  const dataplane = new XdpDataplane({
    addon,
    object: director,
    clock: () => ({ jiffies: 0, hz: HZ }),
  });
  dataplane.initialize(randomBytes);
  dataplane.setTimeouts(DEFAULT_TIMEOUTS);
  listenAtLoopback(director);
  if (one.known !== 'nothing') dataplane.putService(0, flows.service);
  if (one.known !== 'nothing') {
    flows.destinations.forEach((spec, index) => {
      dataplane.putDestination(index, spec, flows.service);
    });
  }
  if (one.known !== 'nothing' && one.known !== 'service') {
    routeRequests(director, flows.destinations.length, dataplane.routeGeneration);
    if (one.known === 'table') publishTable(dataplane, flows.destinations.length);
    else publishTickets(director, flows.destinations.length);
  }

  const trampoline = newTrampoline(addon, director, count);
  writeTemplates(trampoline.map('templates').mmap(), flows);
  expectRedirect(trampoline);
  return { director, trampoline, dataplane, flows };
}

/** Gives the service a table as sh has it, of destinations with equal weights. */
function publishTable(dataplane: XdpDataplane, destinations: number): void {
  dataplane.ring(0).setTable({
    hashing: { hash: 'multiplicative', end: 'client', hasPort: false, fallsBack: false },
    slots: Uint32Array.from({ length: SLOTS }, (_, slot) => slot % destinations),
    members: Array.from({ length: destinations }, (_, index) => index),
    isReserve: false,
  });
}

/** What calls the director, or a bare redirect, with packets from so many templates. */
export function newTrampoline(addon: Addon, director: BpfObject, count: number): BpfObject {
  const path = join(packageRoot(), 'build', 'bench', 'trampoline.bpf.o');
  const trampoline = new addon.BpfObject(path, { maxEntries: { templates: count }, reuse: {} });
  const programs = trampoline.map('programs');
  programs.set(word(0), word(director.programFd('xlvs_director')));
  programs.set(word(1), word(trampoline.programFd('bare_redirect')));
  return trampoline;
}

function flowsOf({ family, method, flags }: Case, count: number): Flows {
  const [vip, network] =
    family === 4 ? ['198.51.100.1', '10.99.'] : ['2001:db8:1::1', '2001:db8:2::'];
  const service: ServiceId = { protocol: 'tcp', family, address: vip, port: 80 };
  const port = method === 'masq' ? 8080 : service.port;
  const destinations = Array.from({ length: DESTINATIONS }, (_, i): DestinationSpec => {
    const host = family === 4 ? `${i >> 8}.${i & 0xff}` : (i + 1).toString(16);
    return { address: `${network}${host}`, port, method, weight: 1 };
  });
  return { service, destinations, count, flags };
}

/** Every packet has to end where the case says, or its price is that of something else. */
function expectVerdict(dataplane: XdpDataplane, { verdict }: Case, packets: number): void {
  const counted = Object.entries(dataplane.verdicts()).filter(([, count]) => count > 0n);
  const only = counted.length === 1 && counted[0]![0] === verdict;
  if (only && counted[0]![1] === BigInt(packets)) return;
  const received = counted.map(([name, count]) => `${count} ${name}`).join(', ') || 'none';
  throw new Error(`expected ${packets} packets ${verdict}, received ${received}`);
}

function expectRedirect(trampoline: BpfObject): void {
  const { action } = trampoline.testRun('baseline', new Uint8Array(FRAME_BYTES), 1);
  if (action === XDP_REDIRECT) return;
  throw new Error(`expected XDP action ${XDP_REDIRECT} of the trampoline, received ${action}`);
}

function word(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}
