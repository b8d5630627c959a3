import { CONNECTION_STATES, stateTimeoutsS } from '../lvs/connection.ts';
import { NO_COUNTERS } from '../lvs/counters.ts';
import type { Counters, Dataplane } from '../lvs/dataplane.ts';
import { LvsError } from '../lvs/error.ts';
import type { DestinationSpec, Protocol, ServiceId, Timeouts } from '../lvs/operation.ts';
import {
  Connection,
  ConnectionState,
  Counters as CountersStruct,
  Destination,
  Family,
  ForwardingMethod,
  Limits,
  ServiceKey,
  Settings,
  Verdict,
  VerdictCounters,
} from '../native/abi.gen.ts';
import type { BpfMap, BpfObject, BpfObjectOptions } from '../native/addon.ts';
import { addressBytes, addressText } from '../net/address.ts';

/** One connection as a listing shows it. */
export interface ConnectionRow {
  readonly protocol: Protocol;
  readonly state: string;
  readonly expiresS: number;
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly virtualAddress: string;
  readonly virtualPort: number;
  readonly destinationAddress: string;
  readonly destinationPort: number;
}

/** The kernel's clock of ticks. */
export interface Ticks {
  readonly jiffies: number;
  readonly hz: number;
}

const PROTOCOL: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17 };

/** Every verdict's number by its name, as counters are called: 'forwarded_in'. */
export const VERDICT_NAMES: readonly (readonly [name: string, verdict: number])[] = Object.entries(
  Verdict,
)
  .filter(([, verdict]) => verdict < Verdict.VERDICTS)
  .map(([name, verdict]) => [name.toLowerCase(), verdict]);

/**
 * How large the object's maps are to be for so many connections on so many CPUs. Sharded
 * counters have one element more than there are CPUs, which is the slow path's.
 */
export function mapSizes(connections: number, cpus: number): BpfObjectOptions['maxEntries'] {
  return {
    connections,
    flows: connections * 2,
    destination_counters: (cpus + 1) * Limits.MAX_DESTINATIONS,
    verdicts: cpus + 1,
  };
}

/**
 * The data plane as XDP runs it: rules become entries of its maps, counts and counters are read
 * from memory that it shares. Only services are behind a system call.
 */
export class XdpDataplane implements Dataplane {
  readonly limits = { services: Limits.MAX_SERVICES, destinations: Limits.MAX_DESTINATIONS };
  /** Connections that the table has room for. */
  readonly tableSize: number;
  readonly #clock: () => Ticks;
  readonly #services: BpfMap;
  readonly #settings: DataView;
  readonly #connections: DataView;
  readonly #destinations: DataView;
  /** The same memory as #destinations: counts are single words. */
  readonly #counts: Uint32Array;
  readonly #counters: DataView;
  readonly #verdicts: DataView;

  constructor(object: BpfObject, clock: () => Ticks) {
    const memory = (name: string): DataView => new DataView(object.map(name).mmap());
    this.#clock = clock;
    this.#services = object.map('services');
    this.#settings = memory('settings');
    this.#connections = memory('connections');
    this.#destinations = memory('destinations');
    this.#counts = new Uint32Array(this.#destinations.buffer);
    this.#counters = memory('destination_counters');
    this.#verdicts = memory('verdicts');
    this.tableSize = this.#connections.byteLength / Connection.size;
  }

  /** Makes fresh maps usable. */
  initialize(): void {
    Settings.setAbiVersion(this.#settings, 0, Limits.ABI_VERSION);
    Settings.setRouteGeneration(this.#settings, 0, 1);
  }

  get routeGeneration(): number {
    return Settings.routeGeneration(this.#settings, 0);
  }

  /** From now on no next hop that was found before holds. */
  raiseRouteGeneration(): void {
    Settings.setRouteGeneration(this.#settings, 0, (this.routeGeneration + 1) >>> 0 || 1);
  }

  putService(index: number, id: ServiceId): void {
    try {
      this.#services.set(serviceKey(id), new Uint8Array(Uint32Array.of(index).buffer));
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== 'E2BIG' && code !== 'ENOMEM' && code !== 'ENOSPC') throw cause;
      throw new LvsError('TABLE_FULL', `expected room for ${this.limits.services} services`);
    }
  }

  /** Takes out services that are not among these: what a killed daemon had no time to undo. */
  keepServices(ids: Iterable<ServiceId>): void {
    const wanted = new Set(Array.from(ids, (id) => String(serviceKey(id))));
    for (const key of this.#services.keys()) {
      if (!wanted.has(String(key))) this.#services.delete(key);
    }
  }

  removeService(_index: number, id: ServiceId): void {
    this.#services.delete(serviceKey(id));
  }

  putDestination(index: number, { address, port, method }: DestinationSpec): void {
    const at = index * Destination.size;
    const bytes = addressBytes(address);
    writeAddress(this.#destinations, at + Destination.daddrAt, bytes);
    Destination.setDport(this.#destinations, at, port);
    const number = method === 'masq' ? ForwardingMethod.MASQ : ForwardingMethod.ROUTE;
    Destination.setMethod(this.#destinations, at, number);
    Destination.setFamily(this.#destinations, at, familyNumber(bytes));
    Destination.setAvailable(this.#destinations, at, 1);
  }

  removeDestination(index: number): void {
    Destination.setAvailable(this.#destinations, index * Destination.size, 0);
  }

  clearDestination(index: number): void {
    const { buffer } = this.#destinations;
    new Uint8Array(buffer, index * Destination.size, Destination.size).fill(0);
    for (let at = counterAt(index); at < this.#counters.byteLength; at += SHARD_BYTES) {
      new Uint8Array(this.#counters.buffer, at, CountersStruct.size).fill(0);
    }
  }

  // Hot.
  activeConnections(index: number): number {
    return this.#counts[index * COUNTS + ACTIVE] ?? 0;
  }

  // Hot.
  inactiveConnections(index: number): number {
    return this.#counts[index * COUNTS + INACTIVE] ?? 0;
  }

  /** Counts a new connection of a destination before the slow path makes it. Hot. */
  bind(index: number, active: boolean): void {
    // Atomics.add and not +=: XDP counts in the same word.
    Atomics.add(this.#counts, index * COUNTS + (active ? ACTIVE : INACTIVE), 1);
  }

  counters(index: number): Counters {
    const total = { ...NO_COUNTERS };
    for (let at = counterAt(index); at < this.#counters.byteLength; at += SHARD_BYTES) {
      total.connections += CountersStruct.connections(this.#counters, at);
      total.inPackets += CountersStruct.inPackets(this.#counters, at);
      total.outPackets += CountersStruct.outPackets(this.#counters, at);
      total.inBytes += CountersStruct.inBytes(this.#counters, at);
      total.outBytes += CountersStruct.outBytes(this.#counters, at);
    }
    return total;
  }

  setTimeouts(timeouts: Timeouts): void {
    const { hz } = this.#clock();
    const { at } = Settings.timeoutJiffies;
    stateTimeoutsS(timeouts).forEach((timeoutS, state) => {
      this.#settings.setUint32(at + state * 4, timeoutS * hz, true);
    });
  }

  /** Packets by the name of their verdict. */
  verdicts(): Record<string, bigint> {
    return Object.fromEntries(
      VERDICT_NAMES.map(([name, verdict]) => {
        let packets = 0n;
        for (let at = verdict * 8; at < this.#verdicts.byteLength; at += VerdictCounters.size) {
          packets += this.#verdicts.getBigUint64(at, true);
        }
        return [name, packets];
      }),
    );
  }

  /** Every connection, in the order of their slots. */
  *connections(): Generator<ConnectionRow> {
    for (const at of this.#liveConnections()) yield this.#row(at);
  }

  *#liveConnections(): Generator<number> {
    const slots = Settings.slotsUsed(this.#settings, 0);
    for (let at = 0; at < slots * Connection.size; at += Connection.size) {
      if (Connection.state(this.#connections, at) & ConnectionState.LIVE) yield at;
    }
  }

  #row(at: number): ConnectionRow {
    const view = this.#connections;
    const { jiffies, hz } = this.#clock();
    const silent = (jiffies - Connection.seenJiffies(view, at)) | 0;
    const left = Connection.timeoutJiffies(view, at) - Math.max(silent, 0);
    const family = Connection.family(view, at);
    const state = Connection.state(view, at) & ~ConnectionState.LIVE;
    return {
      protocol: Connection.protocol(view, at) === PROTOCOL.tcp ? 'tcp' : 'udp',
      state: CONNECTION_STATES[state] ?? 'NONE',
      expiresS: Math.max(0, Math.floor(left / hz)),
      clientAddress: readAddress(view, at + Connection.caddrAt, family),
      clientPort: Connection.cport(view, at),
      virtualAddress: readAddress(view, at + Connection.vaddrAt, family),
      virtualPort: Connection.vport(view, at),
      destinationAddress: readAddress(view, at + Connection.daddrAt, family),
      destinationPort: Connection.dport(view, at),
    };
  }
}

/** Words of a struct destination, and which of them the counts are. */
const COUNTS = Destination.size / 4;
const ACTIVE = Destination.activeAt / 4;
const INACTIVE = Destination.inactiveAt / 4;
const SHARD_BYTES = Limits.MAX_DESTINATIONS * CountersStruct.size;

function counterAt(index: number): number {
  return index * CountersStruct.size;
}

/** A struct service_key. */
export function serviceKey({ protocol, address, port }: ServiceId): Uint8Array {
  const view = new DataView(new ArrayBuffer(ServiceKey.size));
  const bytes = addressBytes(address);
  writeAddress(view, ServiceKey.vaddrAt, bytes);
  ServiceKey.setVport(view, 0, port);
  ServiceKey.setProtocol(view, 0, PROTOCOL[protocol]);
  ServiceKey.setFamily(view, 0, familyNumber(bytes));
  return new Uint8Array(view.buffer);
}

function familyNumber(bytes: Uint8Array): number {
  return bytes.length === 4 ? Family.IPV4 : Family.IPV6;
}

/** Writes a struct address: IPv4 in the first four bytes, the rest zero. */
function writeAddress(view: DataView, at: number, bytes: Uint8Array): void {
  const to = new Uint8Array(view.buffer, view.byteOffset + at, 16);
  to.fill(0);
  to.set(bytes);
}

function readAddress(view: DataView, at: number, family: number): string {
  const length = family === Family.IPV4 ? 4 : 16;
  return addressText(new Uint8Array(view.buffer, view.byteOffset + at, length));
}
