import { type ConnectionView, stateTimeoutsS } from '../lvs/connection.ts';
import { NO_COUNTERS } from '../lvs/counters.ts';
import type { Counters, Dataplane } from '../lvs/dataplane.ts';
import { LvsError } from '../lvs/error.ts';
import type { DestinationSpec, ServiceId, Timeouts } from '../lvs/operation.ts';
import {
  Connection,
  Counters as CountersStruct,
  Destination,
  Limits,
  Settings,
  Verdict,
  VerdictCounters,
} from '../native/abi.gen.ts';
import type { BpfMap, BpfObject, BpfObjectOptions } from '../native/addon.ts';
import { connectionRows, type Ticks } from './connections.ts';
import { METHODS, serviceKey, word, writeAddress } from './encoding.ts';

/** Every verdict's number by its name, as counters are called: 'forwarded_in'. */
const VERDICT_NAMES = Object.entries(Verdict)
  .filter(([, verdict]) => verdict < Verdict.VERDICTS)
  .map(([name, verdict]) => [name.toLowerCase(), verdict] as const);

/** Words of a struct destination, and which of them the counts are. */
const WORDS = Destination.size / 4;
const ACTIVE = Destination.activeAt / 4;
const INACTIVE = Destination.inactiveAt / 4;

/** The counters of every destination on one CPU. */
const SHARD_BYTES = Limits.MAX_DESTINATIONS * CountersStruct.size;

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
      this.#services.set(serviceKey(id), word(index));
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
    const family = writeAddress(this.#destinations, at + Destination.daddrAt, address);
    Destination.setDport(this.#destinations, at, port);
    Destination.setMethod(this.#destinations, at, METHODS[method]);
    Destination.setFamily(this.#destinations, at, family);
    Destination.setAvailable(this.#destinations, at, 1);
  }

  removeDestination(index: number): void {
    Destination.setAvailable(this.#destinations, index * Destination.size, 0);
  }

  clearDestination(index: number): void {
    const { buffer } = this.#destinations;
    new Uint8Array(buffer, index * Destination.size, Destination.size).fill(0);
    for (let at = index * CountersStruct.size; at < this.#counters.byteLength; at += SHARD_BYTES) {
      new Uint8Array(this.#counters.buffer, at, CountersStruct.size).fill(0);
    }
  }

  // Hot.
  activeConnections(index: number): number {
    return this.#counts[index * WORDS + ACTIVE] ?? 0;
  }

  // Hot.
  inactiveConnections(index: number): number {
    return this.#counts[index * WORDS + INACTIVE] ?? 0;
  }

  /** Counts a new connection of a destination before the slow path makes it. Hot. */
  bind(index: number, active: boolean): void {
    // Atomics.add and not +=: XDP counts in the same word.
    Atomics.add(this.#counts, index * WORDS + (active ? ACTIVE : INACTIVE), 1);
  }

  counters(index: number): Counters {
    const total = { ...NO_COUNTERS };
    for (let at = index * CountersStruct.size; at < this.#counters.byteLength; at += SHARD_BYTES) {
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
    const { at, elementSize } = Settings.timeoutJiffies;
    stateTimeoutsS(timeouts).forEach((timeoutS, state) => {
      this.#settings.setUint32(at + state * elementSize, timeoutS * hz, true);
    });
  }

  /** Packets by the name of their verdict. */
  verdicts(): Record<string, bigint> {
    const packets = VERDICT_NAMES.map(([name, verdict]) => [name, this.#packets(verdict)]);
    return Object.fromEntries(packets);
  }

  #packets(verdict: number): bigint {
    const { at: first, elementSize } = VerdictCounters.packets;
    let packets = 0n;
    for (let at = 0; at < this.#verdicts.byteLength; at += VerdictCounters.size) {
      packets += this.#verdicts.getBigUint64(at + first + verdict * elementSize, true);
    }
    return packets;
  }

  /** Every connection, in the order of their slots. */
  connections(): Generator<ConnectionView> {
    const slots = Settings.slotsUsed(this.#settings, 0);
    return connectionRows(this.#connections, slots, this.#clock);
  }
}
