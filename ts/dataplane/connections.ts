import { CONNECTION_STATES, type ConnectionView, stateName } from '../lvs/connection.ts';
import {
  Connection,
  ConnectionAddresses,
  Destination,
  Family,
  ForwardingMethod,
  Limits,
  SlotPhase,
} from '../native/abi.gen.ts';
import { PROTOCOLS, readAddress } from './encoding.ts';

const PROTOCOL_NAMES = new Map([
  [PROTOCOLS.tcp, 'tcp'],
  [PROTOCOLS.udp, 'udp'],
] as const);

/** The kernel's clock of ticks. */
export interface Ticks {
  /** 32 bits, and so runs over. */
  readonly jiffies: number;
  readonly hz: number;
}

/** The connection table's memory: its buckets' words and its slots' lines; see bpf/table.h. */
export interface TableMemory {
  readonly buckets: ArrayBuffer;
  readonly connections: ArrayBuffer;
}

/** What tells that a connection's next hops hold under a route generation; see bpf/route.h. */
export function generationIn(state: number, generation: number): number {
  return (generation ^ (state & ~(SlotPhase.LIFE - 1))) >>> 0;
}

/** Tags of a bucket's lanes: of the second slot of an IPv6 connection, and the least of all. */
const CONTINUED = 0xff;
const TAGGED = 0x80;
const BUCKET_BYTES = 8;

/**
 * Where the live connections stand in the table, in bytes, in the order of their slots. XDP goes
 * on to open and end them meanwhile.
 */
export function* liveConnections({ buckets, connections }: TableMemory): Generator<number> {
  const words = new Uint32Array(buckets);
  const tags = new Uint8Array(buckets);
  const states = new Uint32Array(connections);
  for (let bucket = 0; bucket < words.length / 2; bucket++) {
    // Most of a table is empty.
    if (words[2 * bucket] === 0 && words[2 * bucket + 1] === 0) continue;
    for (let way = 0; way < Limits.WAYS; way++) {
      const tag = tags[bucket * BUCKET_BYTES + way]!;
      const at = (bucket * Limits.WAYS + way) * Connection.size;
      const state = states[(at + Connection.stateAt) / 4]!;
      const live = (state & SlotPhase.PHASE) === SlotPhase.LIVE;
      if (tag >= TAGGED && tag !== CONTINUED && live) yield at;
    }
  }
}

/** The same with the destinations: those of tunnels are of any family. */
export interface ConnectionMemory extends TableMemory {
  readonly destinations: ArrayBuffer;
}

/** The live connections as listings show them: a row is what its slot held when it was read. */
export function* connectionRows(
  memory: ConnectionMemory,
  clock: () => Ticks,
): Generator<ConnectionView> {
  const view = new DataView(memory.connections);
  const destinations = new DataView(memory.destinations);
  const words = new Uint32Array(memory.connections);
  const stateAt = (at: number) => Atomics.load(words, (at + Connection.stateAt) / 4);
  for (const at of liveConnections(memory)) {
    const state = stateAt(at);
    const row = connectionRow(view, at, clock());
    const isTunnel = Connection.method(view, at) === ForwardingMethod.TUNNEL;
    const tunnelEnd = isTunnel && addressIn(destinations, Connection.destination(view, at));
    // In another life it is another connection: what was read is of two.
    const same = ((stateAt(at) ^ state) & ~SlotPhase.STATE) === 0;
    if (same && (state & SlotPhase.PHASE) === SlotPhase.LIVE) {
      yield tunnelEnd ? { ...row, destinationAddress: tunnelEnd } : row;
    }
  }
}

function addressIn(destinations: DataView, index: number): string {
  const at = index * Destination.size;
  return readAddress(destinations, at + Destination.daddrAt, Destination.family(destinations, at));
}

function connectionRow(table: DataView, at: number, { jiffies, hz }: Ticks): ConnectionView {
  // Signed: a packet may have been stamped with a tick that the clock has not told yet.
  const silent = (jiffies - Connection.seenJiffies(table, at)) | 0;
  const left = Connection.timeoutJiffies(table, at) - Math.max(silent, 0);
  const family = Connection.family(table, at) & ~Family.TEMPLATE;
  const state = Connection.state(table, at) & SlotPhase.STATE;
  const addresses = addressesAt(at, family);
  return {
    protocol: PROTOCOL_NAMES.get(Connection.protocol(table, at)) ?? 'ip',
    state: stateName(CONNECTION_STATES[state] ?? 'NONE'),
    expiresS: Math.max(0, Math.floor(left / hz)),
    clientAddress: readAddress(table, addresses.client, family),
    clientPort: Connection.cport(table, at),
    virtualAddress: readAddress(table, addresses.virtual, family),
    virtualPort: Connection.vport(table, at),
    destinationAddress: readAddress(table, addresses.destination, family),
    destinationPort: Connection.dport(table, at),
  };
}

/** Where a connection's addresses stand: in its line, or, of IPv6, in the next one. */
export function addressesAt(at: number, family: number) {
  if (family === Family.IPV4) {
    return {
      client: at + Connection.caddrAt,
      virtual: at + Connection.vaddrAt,
      destination: at + Connection.daddrAt,
    };
  }
  const next = at + Connection.size;
  return {
    client: next + ConnectionAddresses.caddrAt,
    virtual: next + ConnectionAddresses.vaddrAt,
    destination: next + ConnectionAddresses.daddrAt,
  };
}
