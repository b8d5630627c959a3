import { type ConnectionView, stateTimeoutsS } from '../lvs/connection.ts';
import type { Counters, Dataplane } from '../lvs/dataplane.ts';
import type { Relief } from '../lvs/defence.ts';
import { LvsError } from '../lvs/error.ts';
import type { MarkRule } from '../lvs/marks/rule.ts';
import type { DestinationSpec, Persistence, ServiceId, Timeouts } from '../lvs/operation.ts';
import type { Ring } from '../lvs/ring.ts';
import type { Settings } from '../lvs/settings.ts';
import { editRelieves } from '../lvs/threshold.ts';
import {
  Destination,
  Limits,
  Schedule,
  Settings as SettingsStruct,
  Verdict,
  VerdictCounters,
} from '../native/abi.gen.ts';
import type {
  Addon,
  BpfMap,
  BpfObject,
  BpfObjectOptions,
  Counts,
  Miscount,
} from '../native/addon.ts';
import { realClock } from '../net/clock.ts';
import { Addresses } from './addresses.ts';
import { type ConnectionMemory, connectionRows, type Ticks } from './connections.ts';
import { RELIEFS, serviceKey, VERDICT_NAMES, word, writeAddress, writeMethod } from './encoding.ts';
import { Marks } from './marks.ts';
import { netmaskWord, OtherPorts } from './persistence.ts';
import { Rings } from './rings.ts';
import { putSettings } from './settings.ts';
import { Shards } from './shards.ts';

/** Words of a struct destination, and which of them the counts are. */
const WORDS = Destination.size / 4;
const ACTIVE = Destination.activeAt / 4;
const INACTIVE = Destination.inactiveAt / 4;
const UPPER = Destination.upperAt / 4;
const OVERLOADED = Destination.overloadedAt / 4;
const PERSISTENT = Destination.persistentAt / 4;

/** Connections that there is room for, for every bucket: 5 of 7 slots. */
const CONNECTIONS_PER_BUCKET = 5;

/**
 * Lines for rings and tables: a million tickets at least, and enough for a table of mh, of 4093
 * slots, for every thirteenth destination that there is room for.
 */
const LEAST_LINES = 65_536;
const LINES_PER_DESTINATION = 5;

/** What the data plane works on. */
export interface XdpOptions {
  readonly addon: Pick<Addon, 'AddressTable'>;
  readonly object: Pick<BpfObject, 'map'>;
  readonly clock: () => Ticks;
}

/** What the object's maps are to have room for. */
export interface Room {
  readonly connections: number;
  readonly destinations?: number;
  readonly cpus: number;
}

/**
 * How large the object's maps are to be. Sharded counters have one element more than there are
 * CPUs, which is the slow path's.
 */
export function mapSizes({ connections, destinations = Limits.MAX_DESTINATIONS, cpus }: Room) {
  const buckets = Math.ceil(connections / CONNECTIONS_PER_BUCKET);
  return {
    buckets,
    connections: buckets * Limits.WAYS,
    rings: Math.max(LEAST_LINES, LINES_PER_DESTINATION * destinations),
    destinations,
    destination_counters: (cpus + 1) * destinations,
    verdicts: cpus + 1,
  } satisfies BpfObjectOptions['maxEntries'];
}

/**
 * The data plane as XDP runs it: rules become entries of its maps, counts and counters are read
 * from memory that it shares. Only services are behind a system call.
 */
export class XdpDataplane implements Dataplane {
  readonly limits: Dataplane['limits'];
  /** Connections that the table has room for, and its slots. */
  readonly tableSize: number;
  readonly slots: number;
  readonly #clock: () => Ticks;
  readonly #services: BpfMap;
  readonly #addresses: Addresses;
  /** The rules of firewall marks. */
  readonly marks: Marks;
  readonly #settings: DataView;
  readonly #table: ConnectionMemory;
  readonly #destinations: DataView;
  /** The same memory as #destinations: counts are single words. */
  readonly #counts: Uint32Array;
  /** The same, both counts of a destination at once. */
  readonly #countPairs: BigUint64Array;
  /**
   * Two counts a destination, inactive and active: connections that were decided on and are not
   * in the table yet.
   */
  readonly #pending: Uint32Array;
  readonly #shards: Shards;
  readonly #verdicts: DataView;
  readonly #schedules: DataView;
  readonly #rings: Rings;
  readonly #otherPorts: OtherPorts;

  constructor({ addon, object, clock }: XdpOptions) {
    const mapped = (name: string): ArrayBuffer => object.map(name).mmap();
    const memory = (name: string): DataView => new DataView(mapped(name));
    this.#clock = clock;
    this.#services = object.map('services');
    const settings = mapped('settings');
    this.#settings = new DataView(settings);
    this.#otherPorts = new OtherPorts(this.#settings);
    this.#addresses = new Addresses(new addon.AddressTable(settings, mapped('addresses')));
    this.marks = new Marks(settings, mapped('mark_steps'), this.#addresses);
    this.#destinations = memory('destinations');
    this.#table = {
      buckets: mapped('buckets'),
      connections: mapped('connections'),
      destinations: this.#destinations.buffer as ArrayBuffer,
    };
    this.#counts = new Uint32Array(this.#destinations.buffer);
    this.#countPairs = new BigUint64Array(this.#destinations.buffer);
    const destinations = this.#destinations.byteLength / Destination.size;
    this.limits = { services: Limits.MAX_SERVICES, destinations };
    this.#pending = new Uint32Array(2 * destinations);
    this.#shards = new Shards(mapped('destination_counters'), destinations);
    this.#verdicts = memory('verdicts');
    const [schedules, lines] = [object.map('schedules').mmap(), object.map('rings').mmap()];
    this.#schedules = new DataView(schedules);
    this.#rings = new Rings(schedules, lines, realClock.now);
    const buckets = this.#table.buckets.byteLength / 8;
    this.tableSize = buckets * CONNECTIONS_PER_BUCKET;
    this.slots = buckets * Limits.WAYS;
  }

  /** Makes fresh maps usable. `random`: bytes that nobody else knows. */
  initialize(random: (size: number) => Uint8Array): void {
    const { at, elementSize, count } = SettingsStruct.hashKeys;
    SettingsStruct.setAbiVersion(this.#settings, 0, Limits.ABI_VERSION);
    SettingsStruct.setRouteGeneration(this.#settings, 0, 1);
    SettingsStruct.setBuckets(this.#settings, 0, this.#table.buckets.byteLength / 8);
    SettingsStruct.setDestinations(this.#settings, 0, this.limits.destinations);
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
      if (id.protocol === 'fwm') {
        this.marks.note('service', index, true);
        return;
      }
      this.#addresses.holdService(index, id.address);
      this.#otherPorts.hold(index, id.port);
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
    if (id.protocol === 'fwm') {
      this.marks.note('service', index, false);
      return;
    }
    this.#addresses.dropService(index);
    this.#otherPorts.drop(index);
  }

  ring(index: number): Ring {
    return this.#rings.ring(index);
  }

  setCookies(index: number, allowed: boolean): void {
    Schedule.setCookies(this.#schedules, index * Schedule.size, allowed ? 1 : 0);
  }

  setPersistence(index: number, persistence: Persistence | undefined): void {
    const at = index * Schedule.size;
    const timeout = (persistence?.timeoutS ?? 0) * this.#clock().hz;
    Schedule.setPersistenceMask(this.#schedules, at, netmaskWord(persistence?.netmask));
    Schedule.setPersistenceJiffies(this.#schedules, at, timeout);
  }

  putDestination(index: number, destination: DestinationSpec, service: ServiceId): void {
    const { address, port, weight, upperThreshold = 0, lowerThreshold = 0 } = destination;
    const at = index * Destination.size;
    const isNew = Destination.family(this.#destinations, at) === 0;
    const family = writeAddress(this.#destinations, at + Destination.daddrAt, address);
    Destination.setDport(this.#destinations, at, port);
    if (writeMethod(this.#destinations, at, destination) && !isNew) this.raiseRouteGeneration();
    Destination.setFamily(this.#destinations, at, family);
    Destination.setWeight(this.#destinations, at, weight);
    const before = { upperThreshold: this.#counts[index * WORDS + UPPER]! };
    Destination.setUpper(this.#destinations, at, upperThreshold);
    Destination.setLower(this.#destinations, at, lowerThreshold);
    if (editRelieves(before, destination)) Destination.setOverloaded(this.#destinations, at, 0);
    Destination.setAvailable(this.#destinations, at, 1);
    this.#shards.setRemoved(index, 0);
    this.#addresses.holdDestination(index, address, service.address);
    if (service.protocol === 'fwm') this.marks.note('destination', index, true);
  }

  removeDestination(index: number): void {
    Destination.setAvailable(this.#destinations, index * Destination.size, 0);
    this.#shards.setRemoved(index, 1);
  }

  clearDestination(index: number): void {
    this.#addresses.dropDestination(index);
    this.marks.note('destination', index, false);
    const { buffer } = this.#destinations;
    new Uint8Array(buffer, index * Destination.size, Destination.size).fill(0);
    this.#shards.clear(index);
  }

  // Hot.
  activeConnections(index: number): number {
    return this.#counts[index * WORDS + ACTIVE]! + this.#pending[2 * index + 1]!;
  }

  // Hot.
  inactiveConnections(index: number): number {
    return this.#counts[index * WORDS + INACTIVE]! + this.#pending[2 * index]!;
  }

  persistentConnections(index: number): number {
    return this.#counts[index * WORDS + PERSISTENT]!;
  }

  // Hot. XDP sees to the connections that are in the table, but not to those on their way to it.
  isOverloaded(index: number): boolean {
    if (this.#counts[index * WORDS + OVERLOADED] !== 0) return true;
    const upper = this.#counts[index * WORDS + UPPER]!;
    const pending = this.#pending[2 * index]! + this.#pending[2 * index + 1]!;
    if (upper === 0 || pending === 0) return false;
    return this.activeConnections(index) + this.inactiveConnections(index) >= upper;
  }

  /** Counts a new connection of a destination until the slow path has made it. Hot. */
  bind(index: number, active: boolean): void {
    // Atomics.add and not +=: the slow path's threads take off from the same word.
    Atomics.add(this.#pending, 2 * index + (active ? 1 : 0), 1);
  }

  /** Makes counts those of the connections; false where they have moved since that was found. */
  correctCounts({ destination, counted, held }: Miscount): boolean {
    const pair = (destination * WORDS + ACTIVE) / 2;
    const before = pairOf(counted);
    const seen = Atomics.compareExchange(this.#countPairs, pair, before, pairOf(held));
    const at = destination * WORDS + PERSISTENT;
    Atomics.compareExchange(this.#counts, at, counted.persistent, held.persistent);
    if (seen !== before) return false;
    // Whether there are too many still is found by the next connection.
    Destination.setOverloaded(this.#destinations, destination * Destination.size, 0);
    return true;
  }

  counters(index: number): Readonly<Counters> {
    return this.#shards.counters(index);
  }

  // Hot.
  activity(index: number): number {
    return this.#shards.activity(index);
  }

  /** Counts what was counted elsewhere. */
  addCounters(index: number, counters: Counters): void {
    this.#shards.put(index, counters);
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

  setMarks(rules: readonly MarkRule[]): void {
    this.marks.set(rules);
  }

  /** Says which connections are given up from now on. */
  setRelief(relief: Relief): void {
    SettingsStruct.setRelief(this.#settings, 0, RELIEFS[relief]);
  }

  /** For three seconds from now SYN cookies are sent, where the settings leave it to the daemon. */
  noteAttack(): void {
    SettingsStruct.setAttackedJiffies(this.#settings, 0, this.#clock().jiffies || 1);
  }

  /** SYNs that were answered by cookies, and ACKs of such that were good. */
  cookieCounters(): { readonly answered: number; readonly proven: number } {
    return {
      answered: Number(this.#packets(Verdict.ANSWERED_COOKIE)),
      proven: Number(this.#packets(Verdict.FORWARDED_COOKIE)),
    };
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

/** Both counts as they stand in memory. */
function pairOf({ active, inactive }: Counts): bigint {
  return (BigInt(inactive) << 32n) | BigInt(active);
}
