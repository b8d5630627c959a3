import { type ConnectionView, stateTimeoutsS } from '../lvs/connection.ts';
import { NO_COUNTERS } from '../lvs/counters.ts';
import type { Counters, Dataplane } from '../lvs/dataplane.ts';
import { LvsError } from '../lvs/error.ts';
import type { DestinationSpec, ServiceId, Timeouts } from '../lvs/operation.ts';
import type { Ring } from '../lvs/ring.ts';
import type { Settings } from '../lvs/settings.ts';
import {
  Counters as CountersStruct,
  Destination,
  Limits,
  Settings as SettingsStruct,
  VerdictCounters,
} from '../native/abi.gen.ts';
import type { Addon, BpfMap, BpfObject, BpfObjectOptions } from '../native/addon.ts';
import { realClock } from '../net/clock.ts';
import { Addresses } from './addresses.ts';
import { connectionRows, type TableMemory, type Ticks } from './connections.ts';
import { METHODS, serviceKey, VERDICT_NAMES, word, writeAddress } from './encoding.ts';
import { Rings } from './rings.ts';
import { putSettings } from './settings.ts';

/** Words of a struct destination, and which of them the counts are. */
const WORDS = Destination.size / 4;
const ACTIVE = Destination.activeAt / 4;
const INACTIVE = Destination.inactiveAt / 4;

/** The counters of every destination on one CPU. */
const SHARD_BYTES = Limits.MAX_DESTINATIONS * CountersStruct.size;

/** Connections that there is room for, for every bucket: 5 of 7 slots. */
const CONNECTIONS_PER_BUCKET = 5;

/** Elements of the map of rings: a million tickets. */
const RING_LINES = 65_536;

/** What the data plane works on. */
export interface XdpOptions {
  readonly addon: Pick<Addon, 'AddressTable'>;
  readonly object: BpfObject;
  readonly clock: () => Ticks;
}

/** What the object's maps are to have room for. */
export interface Room {
  readonly connections: number;
  readonly cpus: number;
}

/**
 * How large the object's maps are to be. Sharded counters have one element more than there are
 * CPUs, which is the slow path's.
 */
export function mapSizes({ connections, cpus }: Room) {
  const buckets = Math.ceil(connections / CONNECTIONS_PER_BUCKET);
  return {
    buckets,
    connections: buckets * Limits.WAYS,
    rings: RING_LINES,
    destination_counters: (cpus + 1) * Limits.MAX_DESTINATIONS,
    verdicts: cpus + 1,
  } satisfies BpfObjectOptions['maxEntries'];
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
  readonly #addresses: Addresses;
  readonly #settings: DataView;
  readonly #table: TableMemory;
  readonly #destinations: DataView;
  /** The same memory as #destinations: counts are single words. */
  readonly #counts: Uint32Array;
  /**
   * Two counts a destination, inactive and active: connections that were decided on and are not
   * in the table yet.
   */
  readonly #pending: Uint32Array;
  readonly #counters: DataView;
  readonly #verdicts: DataView;
  readonly #rings: Rings;

  constructor({ addon, object, clock }: XdpOptions) {
    const mapped = (name: string): ArrayBuffer => object.map(name).mmap();
    const memory = (name: string): DataView => new DataView(mapped(name));
    this.#clock = clock;
    this.#services = object.map('services');
    const settings = mapped('settings');
    this.#settings = new DataView(settings);
    this.#addresses = new Addresses(new addon.AddressTable(settings, mapped('addresses')));
    this.#table = { buckets: mapped('buckets'), connections: mapped('connections') };
    this.#destinations = memory('destinations');
    this.#counts = new Uint32Array(this.#destinations.buffer);
    this.#pending = new Uint32Array(2 * Limits.MAX_DESTINATIONS);
    this.#counters = memory('destination_counters');
    this.#verdicts = memory('verdicts');
    const [schedules, lines] = [object.map('schedules').mmap(), object.map('rings').mmap()];
    this.#rings = new Rings(schedules, lines, realClock.now);
    this.tableSize = (this.#table.buckets.byteLength / 8) * CONNECTIONS_PER_BUCKET;
  }

  /** Makes fresh maps usable. `random`: bytes that nobody else knows. */
  initialize(random: (size: number) => Uint8Array): void {
    const { at, elementSize, count } = SettingsStruct.hashKeys;
    SettingsStruct.setAbiVersion(this.#settings, 0, Limits.ABI_VERSION);
    SettingsStruct.setRouteGeneration(this.#settings, 0, 1);
    SettingsStruct.setBuckets(this.#settings, 0, this.#table.buckets.byteLength / 8);
    SettingsStruct.setDestinations(this.#settings, 0, Limits.MAX_DESTINATIONS);
    new Uint8Array(this.#settings.buffer, at, elementSize * count).set(random(elementSize * count));
  }

  /** Memory that the slow path takes the connections from that it has entered. */
  get pending(): ArrayBuffer {
    return this.#pending.buffer as ArrayBuffer;
  }

  /** Forgets addresses that only an earlier daemon knew; after all rules were told. */
  settleAddresses(): void {
    this.#addresses.settle();
  }

  get routeGeneration(): number {
    return SettingsStruct.routeGeneration(this.#settings, 0);
  }

  /** From now on no next hop that was found before holds. */
  raiseRouteGeneration(): void {
    SettingsStruct.setRouteGeneration(this.#settings, 0, (this.routeGeneration + 1) >>> 0 || 1);
  }

  putService(index: number, id: ServiceId): void {
    try {
      this.#services.set(serviceKey(id), word(index));
      this.#addresses.holdService(index, id.address);
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

  removeService(index: number, id: ServiceId): void {
    this.#services.delete(serviceKey(id));
    this.#addresses.dropService(index);
  }

  ring(index: number): Ring {
    return this.#rings.ring(index);
  }

  putDestination(index: number, destination: DestinationSpec, service: ServiceId): void {
    const { address, port, method, weight } = destination;
    const at = index * Destination.size;
    const family = writeAddress(this.#destinations, at + Destination.daddrAt, address);
    Destination.setDport(this.#destinations, at, port);
    Destination.setMethod(this.#destinations, at, METHODS[method]);
    Destination.setFamily(this.#destinations, at, family);
    Destination.setWeight(this.#destinations, at, weight);
    Destination.setAvailable(this.#destinations, at, 1);
    this.#addresses.holdDestination(index, address, service.address);
  }

  removeDestination(index: number): void {
    Destination.setAvailable(this.#destinations, index * Destination.size, 0);
  }

  clearDestination(index: number): void {
    this.#addresses.dropDestination(index);
    const { buffer } = this.#destinations;
    new Uint8Array(buffer, index * Destination.size, Destination.size).fill(0);
    for (let at = index * CountersStruct.size; at < this.#counters.byteLength; at += SHARD_BYTES) {
      new Uint8Array(this.#counters.buffer, at, CountersStruct.size).fill(0);
    }
  }

  // Hot.
  activeConnections(index: number): number {
    return this.#counts[index * WORDS + ACTIVE]! + this.#pending[2 * index + 1]!;
  }

  // Hot.
  inactiveConnections(index: number): number {
    return this.#counts[index * WORDS + INACTIVE]! + this.#pending[2 * index]!;
  }

  /** Counts a new connection of a destination until the slow path has made it. Hot. */
  bind(index: number, active: boolean): void {
    // Atomics.add and not +=: the slow path's threads take off from the same word.
    Atomics.add(this.#pending, 2 * index + (active ? 1 : 0), 1);
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

  /** Counts what was counted elsewhere. */
  addCounters(index: number, counters: Counters): void {
    const at = this.#counters.byteLength - SHARD_BYTES + index * CountersStruct.size;
    const own = this.#counters;
    CountersStruct.setConnections(own, at, counters.connections);
    CountersStruct.setInPackets(own, at, counters.inPackets);
    CountersStruct.setOutPackets(own, at, counters.outPackets);
    CountersStruct.setInBytes(own, at, counters.inBytes);
    CountersStruct.setOutBytes(own, at, counters.outBytes);
  }

  setTimeouts(timeouts: Timeouts): void {
    const { hz } = this.#clock();
    const { at, elementSize } = SettingsStruct.timeoutJiffies;
    stateTimeoutsS(timeouts).forEach((timeoutS, state) => {
      this.#settings.setUint32(at + state * elementSize, timeoutS * hz, true);
    });
  }

  setSettings(settings: Settings): void {
    putSettings(this.#settings, settings);
  }

  /** Packets by the name of their verdict. */
  verdicts(): Record<string, bigint> {
    const packets = VERDICT_NAMES.map((name, verdict) => [name, this.#packets(verdict)]);
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
    return connectionRows(this.#table, this.#clock);
  }
}
