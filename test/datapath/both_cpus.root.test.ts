import { randomBytes } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newTrampoline as trampolineOf } from '../../bench/fast_path.ts';
import { FRAME_BYTES, type Segment, TCP_ACK, TCP_SYN, writeFrame } from '../../bench/frame.ts';
import { runPinned } from '../../bench/pinned.ts';
import { mapSizes, XdpDataplane } from '../../ts/dataplane/xdp.ts';
import type { ConnectionView } from '../../ts/lvs/connection.ts';
import {
  ConnectionState,
  Destination,
  NextHop,
  Schedule,
  Settings,
} from '../../ts/native/abi.gen.ts';
import { type BpfObject, loadAddon, objectPath, type SlowPath } from '../../ts/native/addon.ts';
import { addressBytes } from '../../ts/net/address.ts';
import { destination, service } from '../support/rules.ts';

/*
 *   CPU 0: packets -> xlvs_director --+
 *                                     +--> one table <-- the addon expires, TypeScript lists
 *   CPU 1: packets -> xlvs_director --+
 *
 * Both CPUs send the same flows in the same order, so that they open the same connections at the
 * same time. Three flows of four never get beyond their SYN and expire at once, again and again;
 * the others are established, and stay.
 */
const SERVICES = [service({ port: 80 }), service({ port: 81 })] as const;
/** Of each service; a divisor of its tickets. */
const DESTINATIONS = 16;
const RING_TICKETS = 1024;
const FLOWS = 2048;
/** Fills three slots of five, so that some connections spill. */
const CONNECTIONS = 2048;
const PACKETS_EACH = 4_000_000;
const LOOPBACK = 1;
const HOP = 1;

const addon = loadAddon();
let director: BpfObject;
let dataplane: XdpDataplane;
let slowPath: SlowPath;
let trampolines: BpfObject[];

beforeAll(() => {
  const maxEntries = mapSizes({ connections: CONNECTIONS, cpus: addon.possibleCpus() });
  director = new addon.BpfObject(objectPath(), { maxEntries, reuse: {} });
  const clock = () => slowPath.clock();
  dataplane = new XdpDataplane({ addon, object: director, clock });
  dataplane.initialize(randomBytes);
  slowPath = new addon.SlowPath({ object: director, pending: dataplane.pending, backlog: 1 });
  dataplane.setTimeouts({ tcpS: 900, tcpFinS: 120, udpS: 300 });
  const { at, elementSize } = Settings.timeoutJiffies;
  const timeouts = new DataView(director.map('settings').mmap(), at);
  timeouts.setUint32(ConnectionState.SYN_RECV * elementSize, 1, true);
  SERVICES.forEach(putService);
  trampolines = [newTrampoline(), newTrampoline()];
});

afterAll(() => {
  slowPath?.stop();
  for (const object of [...(trampolines ?? []), director]) object?.close();
});

/** The service, its destinations with their next hop, and a ring of tickets that never ends. */
function putService(id: (typeof SERVICES)[number], index: number): void {
  dataplane.putService(index, id);
  const rings = new Uint32Array(director.map('rings').mmap());
  const schedules = new DataView(director.map('schedules').mmap());
  const hops = new DataView(director.map('next_hops').mmap());
  const destinations = new DataView(director.map('destinations').mmap());
  const generation = dataplane.routeGeneration;
  NextHop.setKey(hops, HOP * NextHop.size, (BigInt(generation) << 32n) | BigInt(LOOPBACK));
  NextHop.setMtu(hops, HOP * NextHop.size, 1500);
  for (let i = index * DESTINATIONS; i < (index + 1) * DESTINATIONS; i++) {
    dataplane.putDestination(i, destination(i), id);
    Destination.setRouteGeneration(destinations, i * Destination.size, generation);
    Destination.setHop(destinations, i * Destination.size, HOP);
  }
  for (let place = 0; place < RING_TICKETS; place++) {
    rings[index * RING_TICKETS + place] = index * DESTINATIONS + (place % DESTINATIONS);
  }
  const at = index * Schedule.size;
  Schedule.setRingLine(schedules, at, (index * RING_TICKETS) / 16);
  Schedule.setRingMask(schedules, at, RING_TICKETS - 1);
  Schedule.setWindow(schedules, at, 0xffff_ffffn << 32n);
}

/** What gives the director a packet of another flow at each repeat of its test run. */
function newTrampoline(): BpfObject {
  const segments = Array.from({ length: FLOWS }, (_, flow) => segmentsOf(flow)).flat();
  const trampoline = trampolineOf(addon, director, segments.length);
  const templates = trampoline.map('templates').mmap();
  segments.forEach((segment, i) => {
    writeFrame(new DataView(templates, i * FRAME_BYTES, FRAME_BYTES), segment);
  });
  return trampoline;
}

/** One flow of four is established. */
function segmentsOf(flow: number): Segment[] {
  const { address, port } = SERVICES[flow % 2]!;
  const [saddr, daddr] = [addressBytes(clientOf(flow)), addressBytes(address)];
  const ends = { saddr, daddr, sport: 1024 + flow, dport: port };
  const opening = { ...ends, flags: TCP_SYN };
  return isKept(flow) ? [opening, { ...ends, flags: TCP_ACK }] : [opening];
}

function clientOf(flow: number): string {
  return `10.7.${flow >> 8}.${flow & 0xff}`;
}

/** Of both services as many. */
function isKept(flow: number): boolean {
  return flow % 8 < 2;
}

/** The destinations of the flows in a listing; each row has to make sense, whenever it was read. */
function list(): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const row of dataplane.connections()) {
    const flow = row.clientPort - 1024;
    expectSound(row, flow);
    found.set(flow, [...(found.get(flow) ?? []), row.destinationAddress]);
  }
  return found;
}

function expectSound(row: ConnectionView, flow: number): void {
  const index = Number(row.destinationAddress.split('.')[3]);
  const ends = [row.clientAddress, row.virtualPort, Math.floor(index / DESTINATIONS)];
  const wanted = [clientOf(flow), SERVICES[flow % 2]!.port, flow % 2];
  if (String(ends) !== String(wanted)) expect(ends).toEqual(wanted);
}

/** Runs packets on both CPUs; expires and lists until they have all run. */
async function stress(): Promise<{ expired: number; listings: number }> {
  let running = true;
  const watched = runPinned(trampolines, PACKETS_EACH).finally(() => {
    running = false;
  });
  let [expired, listings] = [0, 0];
  while (running) {
    expired += slowPath.sweep();
    list();
    listings += 1;
    await breathe();
  }
  await watched;
  return { expired, listings };
}

/** The flows that stay, with their destinations. */
function kept(): [number, string[]][] {
  return [...list()].filter(([flow]) => isKept(flow)).sort(([a], [b]) => a - b);
}

function counts(index: number): { active: number; inactive: number } {
  const active = dataplane.activeConnections(index);
  return { active, inactive: dataplane.inactiveConnections(index) };
}

test('both CPUs open, the addon expires: nothing is lost, doubled or crossed', async () => {
  trampolines[0]!.testRun('under_test', new Uint8Array(FRAME_BYTES), (FLOWS * 5) / 4);
  const before = kept();
  expect(before.map(([flow]) => flow)).toEqual(
    Array.from({ length: FLOWS }, (_, flow) => flow).filter(isKept),
  );
  const { expired, listings } = await stress();
  expect(kept()).toEqual(before);
  expect(Math.max(...Array.from(list().values(), (rows) => rows.length))).toBe(1);
  expect(expired).toBeGreaterThan(FLOWS);
  expect(listings).toBeGreaterThan(2);

  const rows = [...dataplane.connections()];
  const schedules = new DataView(director.map('schedules').mmap());
  for (let index = 0; index < SERVICES.length * DESTINATIONS; index++) {
    const own = rows.filter(({ destinationAddress }) => destinationAddress === `10.0.0.${index}`);
    const active = own.filter(({ state }) => state === 'ESTABLISHED').length;
    expect(counts(index)).toEqual({ active, inactive: own.length - active });
    const service = Math.floor(index / DESTINATIONS);
    const head = Number(Schedule.window(schedules, service * Schedule.size) & 0xffff_ffffn);
    const tickets = Math.ceil((head - (index % DESTINATIONS)) / DESTINATIONS);
    expect(dataplane.counters(index).connections).toBe(BigInt(tickets));
  }
});

test('each of the packets had its verdict', () => {
  const { forwarded_in = 0n, dropped_no_slow_path = 0n, ...others } = dataplane.verdicts();
  expect(Object.entries(others).filter(([, packets]) => packets !== 0n)).toEqual([]);
  expect(forwarded_in + dropped_no_slow_path).toBe(BigInt(2 * PACKETS_EACH + (FLOWS * 5) / 4));
  // Of those that another CPU has overtaken again and again.
  expect(Number(dropped_no_slow_path)).toBeLessThan(PACKETS_EACH / 100);
});
