import type { DestinationSpec, ServiceId } from '../ts/lvs/operation.ts';
import {
  Connection,
  ConnectionState,
  Family,
  Flow,
  FlowEntry,
  ForwardingMethod,
  Route,
} from '../ts/native/abi.gen.ts';
import type { BpfMap, BpfObject } from '../ts/native/addon.ts';
import { addressBytes, familyOf } from '../ts/net/address.ts';
import { FRAME_BYTES, type Segment, writeBytes, writeFrame } from './frame.ts';

/** A service, its destinations, and so many clients' connections to it. */
export interface Flows {
  readonly service: ServiceId;
  readonly destinations: readonly DestinationSpec[];
  readonly count: number;
  /** TCP flags of the clients' packets. */
  readonly flags: number;
}

const MTU = 1500;
const TCP = 6;
const LOOPBACK = 1;

/**
 * Enters every flow's connection into the director's tables as the slow path would: established,
 * with its next hops found under the given route generation. The checksum differences stay 0,
 * since adding them costs the same whatever they are.
 */
export function enterConnections(director: BpfObject, flows: Flows, generation: number): void {
  const connections = new DataView(director.map('connections').mmap());
  const table = director.map('flows');
  for (let slot = 0; slot < flows.count; slot++) {
    const segment = segmentOf(flows, slot);
    const destination = slot % flows.destinations.length;
    const { address, port, method } = flows.destinations[destination]!;
    const at = slot * Connection.size;

    writeBytes(connections, at + Connection.caddrAt, segment.saddr);
    writeBytes(connections, at + Connection.vaddrAt, segment.daddr);
    writeBytes(connections, at + Connection.daddrAt, addressBytes(address));
    Connection.setCport(connections, at, segment.sport);
    Connection.setVport(connections, at, segment.dport);
    Connection.setDport(connections, at, port);
    Connection.setProtocol(connections, at, TCP);
    Connection.setFamily(connections, at, familyNumber(segment.saddr));
    Connection.setDestination(connections, at, destination);
    Connection.setState(connections, at, ConnectionState.ESTABLISHED | ConnectionState.LIVE);
    Connection.setMethod(connections, at, ForwardingMethod[method === 'masq' ? 'MASQ' : 'ROUTE']);
    writeRoute(connections, at + Connection.routeInAt, generation);
    writeRoute(connections, at + Connection.routeOutAt, generation);

    putFlow(table, segment, { slot, reply: 0 });
    if (method === 'masq') putFlow(table, replyOf(segment, address, port), { slot, reply: 1 });
  }
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

function replyOf({ saddr, sport, flags }: Segment, address: string, port: number): Segment {
  return { saddr: addressBytes(address), daddr: saddr, sport: port, dport: sport, flags };
}

function putFlow(
  table: BpfMap,
  { saddr, daddr, sport, dport }: Segment,
  { slot, reply }: { readonly slot: number; readonly reply: 0 | 1 },
): void {
  const key = new DataView(new ArrayBuffer(Flow.size));
  writeBytes(key, Flow.saddrAt, saddr);
  writeBytes(key, Flow.daddrAt, daddr);
  Flow.setSport(key, 0, sport);
  Flow.setDport(key, 0, dport);
  Flow.setProtocol(key, 0, TCP);
  Flow.setFamily(key, 0, familyNumber(saddr));
  const value = new DataView(new ArrayBuffer(FlowEntry.size));
  FlowEntry.setSlot(value, 0, slot);
  FlowEntry.setReply(value, 0, reply);
  table.set(new Uint8Array(key.buffer), new Uint8Array(value.buffer));
}

function writeRoute(view: DataView, at: number, generation: number): void {
  Route.setGeneration(view, at, generation);
  Route.setIfindex(view, at, LOOPBACK);
  Route.setMtu(view, at, MTU);
}

function familyNumber(address: Uint8Array): number {
  return address.length === 4 ? Family.IPV4 : Family.IPV6;
}

/** 0 to count - 1, the same order in every run: Fisher and Yates with a small generator. */
function shuffled(count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  let random = 1;
  for (let i = count - 1; i > 0; i--) {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    const other = Math.floor((random / 2 ** 32) * (i + 1));
    [order[i], order[other]] = [order[other]!, order[i]!];
  }
  return order;
}
