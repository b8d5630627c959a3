import { generationIn, liveConnections } from '../ts/dataplane/connections.ts';
import type { DestinationSpec, ServiceId } from '../ts/lvs/operation.ts';
import { Connection, Destination, NextHop, Schedule } from '../ts/native/abi.gen.ts';
import type { BpfObject } from '../ts/native/addon.ts';
import { addressBytes, familyOf } from '../ts/net/address.ts';
import { FRAME_BYTES, type Segment, writeFrame } from './frame.ts';

/** A service, its destinations, and so many clients' connections to it. */
export interface Flows {
  readonly service: ServiceId;
  readonly destinations: readonly DestinationSpec[];
  readonly count: number;
  /** TCP flags of the clients' packets. */
  readonly flags: number;
}

const MTU = 1500;
const LOOPBACK = 1;
/** Index of the only next hop. */
const HOP = 1;

/** Tickets in the ring that never ends: as many as there are connections at most. */
const TICKETS = 1 << 20;

/** Gives the service tickets that never end, its destinations in turn. */
export function publishTickets(director: BpfObject, destinations: number): void {
  const rings = new Uint32Array(director.map('rings').mmap());
  const schedule = new DataView(director.map('schedules').mmap());
  for (let place = 0; place < TICKETS; place++) rings[place] = place % destinations;
  Schedule.setRingMask(schedule, 0, TICKETS - 1);
  Schedule.setWindow(schedule, 0, 0xffff_ffffn << 32n);
}

/** Gives every destination its next hop under the route generation. */
export function routeRequests(director: BpfObject, destinations: number, generation: number): void {
  const hops = new DataView(director.map('next_hops').mmap());
  NextHop.setKey(hops, HOP * NextHop.size, (BigInt(generation) << 32n) | BigInt(LOOPBACK));
  NextHop.setMtu(hops, HOP * NextHop.size, MTU);
  const table = new DataView(director.map('destinations').mmap());
  for (let at = 0; at < destinations * Destination.size; at += Destination.size) {
    Destination.setRouteGeneration(table, at, generation);
    Destination.setHop(table, at, HOP);
  }
}

/** Empties the connection table. */
export function clearConnections(director: BpfObject): void {
  new Uint8Array(director.map('buckets').mmap()).fill(0);
}

/** Gives every connection the next hop for its replies too; their number. */
export function routeReplies(director: BpfObject, generation: number): number {
  const memory = {
    buckets: director.map('buckets').mmap(),
    connections: director.map('connections').mmap(),
  };
  const view = new DataView(memory.connections);
  let count = 0;
  for (const at of liveConnections(memory)) {
    const state = Connection.state(view, at);
    Connection.setRouteGeneration(view, at, generationIn(state, generation));
    Connection.setHopIn(view, at, HOP);
    Connection.setHopOut(view, at, HOP);
    count++;
  }
  return count;
}

/** Writes a packet of every flow into the trampoline's templates, in an order without a pattern. */
export function writeTemplates(templates: ArrayBuffer, flows: Flows): void {
  shuffled(flows.count).forEach((flow, i) => {
    const frame = new DataView(templates, i * FRAME_BYTES, FRAME_BYTES);
    writeFrame(frame, segmentOf(flows, flow));
  });
}

/** A packet of the i-th client. */
function segmentOf({ service, flags }: Flows, i: number): Segment {
  const saddr = addressBytes(familyOf(service.address) === 4 ? '10.0.0.0' : '2001:db8:ffff::');
  new DataView(saddr.buffer).setUint16(saddr.length - 2, i & 0xffff);
  saddr[saddr.length - 3] = i >> 16;
  const sport = 1024 + (i % 60_000);
  return { saddr, daddr: addressBytes(service.address), sport, dport: service.port, flags };
}

/** 0 to count - 1, the same order in every run: Fisher and Yates with a small generator. */
export function shuffled(count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  let random = 1;
  for (let i = count - 1; i > 0; i--) {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    const other = Math.floor((random / 2 ** 32) * (i + 1));
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order;
}
