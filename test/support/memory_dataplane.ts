import { Rings } from '../../ts/dataplane/rings.ts';
import { NO_COUNTERS, sum } from '../../ts/lvs/counters.ts';
import type { Counters, Dataplane } from '../../ts/lvs/dataplane.ts';
import { LvsError } from '../../ts/lvs/error.ts';
import type { DestinationSpec, Protocol, ServiceId, Timeouts } from '../../ts/lvs/operation.ts';
import type { Ring } from '../../ts/lvs/ring.ts';
import type { Flow } from '../../ts/lvs/scheduler.ts';
import type { Service } from '../../ts/lvs/service.ts';
import type { Settings } from '../../ts/lvs/settings.ts';
import { editRelieves, overloads, relieves } from '../../ts/lvs/threshold.ts';
import { Schedule, TicketLine } from '../../ts/native/abi.gen.ts';
import { flow } from './rules.ts';
import { TicketTaker } from './ticket_taker.ts';

/** Where connections of a destination go. */
type Where = Pick<DestinationSpec, 'address' | 'port' | 'method'>;

/** What a data plane remembers of its director's words, to be compared as a whole. */
export interface Told {
  readonly services: ReadonlyMap<number, ServiceId>;
  readonly destinations: ReadonlyMap<number, Where>;
  readonly timeouts: Timeouts | undefined;
  readonly settings: Settings | undefined;
}

/**
 * A data plane without packets: it keeps what it is told, and counts the connections that a
 * test opens and closes. `room` services fit into it, however many indices there are.
 */
export class MemoryDataplane implements Dataplane {
  readonly limits: { readonly services: number; readonly destinations: number };
  room: number;
  readonly #services = new Map<number, ServiceId>();
  readonly #destinations = new Map<number, Where>();
  /** As they were told last, also of removed ones: thresholds outlive a removal. */
  readonly #specs = new Map<number, DestinationSpec>();
  readonly #overloaded = new Set<number>();
  #timeouts: Timeouts | undefined;
  #settings: Settings | undefined;
  readonly #active: Uint32Array;
  readonly #inactive: Uint32Array;
  readonly #counters = new Map<number, Counters>();
  /** struct schedule of every service, and struct ticket_line. */
  readonly schedules: ArrayBuffer;
  readonly lines: ArrayBuffer;
  /** Services whose SYNs may be answered by cookies. */
  readonly cookies = new Set<number>();
  /** The part that XDP plays. */
  readonly taker: TicketTaker;
  #rings: Rings;
  #nowMs = 0;

  constructor(limits = { services: 64, destinations: 256 }, lines = 4096) {
    this.schedules = new ArrayBuffer(limits.services * Schedule.size);
    this.lines = new ArrayBuffer(lines * TicketLine.size);
    this.taker = new TicketTaker(this.schedules, this.lines);
    this.#rings = this.#openRings();
    this.limits = limits;
    this.room = limits.services;
    this.#active = new Uint32Array(limits.destinations);
    this.#inactive = new Uint32Array(limits.destinations);
  }

  /** A copy of everything it was told. */
  get told(): Told {
    return {
      services: new Map(this.#services),
      destinations: new Map(this.#destinations),
      timeouts: this.#timeouts,
      settings: this.#settings,
    };
  }

  putService(index: number, id: ServiceId): void {
    if (!this.#services.has(index) && this.#services.size >= this.room) {
      throw new LvsError('TABLE_FULL', `expected up to ${this.room} services, received one more`);
    }
    this.#services.set(index, id);
  }

  removeService(index: number): void {
    this.#services.delete(index);
  }

  putDestination(index: number, spec: DestinationSpec): void {
    const { address, port, method } = spec;
    this.#destinations.set(index, { address, port, method });
    if (editRelieves(this.#spec(index), spec)) this.#overloaded.delete(index);
    this.#specs.set(index, spec);
  }

  removeDestination(index: number): void {
    this.#destinations.delete(index);
  }

  clearDestination(index: number): void {
    this.#active[index] = 0;
    this.#inactive[index] = 0;
    this.#specs.delete(index);
    this.#overloaded.delete(index);
    this.#counters.delete(index);
  }

  activeConnections(index: number): number {
    return this.#active[index]!;
  }

  inactiveConnections(index: number): number {
    return this.#inactive[index]!;
  }

  counters(index: number): Counters {
    return { ...(this.#counters.get(index) ?? NO_COUNTERS) };
  }

  ring(index: number): Ring {
    return this.#rings.ring(index);
  }

  /** Goes on as after a kill: nothing is left but the memory. */
  adopt(): void {
    this.#rings = this.#openRings();
  }

  /** For them, seconds pass. */
  #openRings(): Rings {
    return new Rings(this.schedules, this.lines, () => {
      this.#nowMs += 1_000;
      return this.#nowMs;
    });
  }

  /** What a new connection of the service gets: a ticket, else the slow path's word. */
  choose({ index, tickets }: Service, of: Flow = flow()): number | undefined {
    const ticket = this.#take(index);
    if (ticket !== undefined) return ticket;
    if (!tickets?.areAwaited) return tickets?.decide(of)?.index;
    while (tickets.replenish()) {
      const late = this.#take(index);
      if (late !== undefined) return late;
    }
    return undefined;
  }

  /** The next ticket of a service for a destination that is not overloaded. */
  #take(service: number): number | undefined {
    let ticket = this.taker.take(service);
    while (ticket !== undefined && this.isOverloaded(ticket)) ticket = this.taker.take(service);
    return ticket;
  }

  isOverloaded(index: number): boolean {
    return this.#overloaded.has(index);
  }

  activity(index: number): number {
    const counters = this.#counters.get(index) ?? NO_COUNTERS;
    const total = Object.values(counters).reduce((sum, count) => sum + count, 0n);
    return Number(BigInt.asUintN(32, total));
  }

  setCookies(index: number, allowed: boolean): void {
    if (allowed) this.cookies.add(index);
    else this.cookies.delete(index);
  }

  setTimeouts(timeouts: Timeouts): void {
    this.#timeouts = timeouts;
  }

  setSettings(settings: Settings): void {
    this.#settings = settings;
  }

  /** A connection is made and established: active for TCP, inactive for UDP. */
  open(index: number, protocol: Protocol = 'tcp'): void {
    const counts = protocol === 'tcp' ? this.#active : this.#inactive;
    counts[index]! += 1;
    if (overloads(this.#connections(index), this.#spec(index))) this.#overloaded.add(index);
    this.count(index, { connections: 1n });
  }

  /** An active connection is closed, and inactive until it expires. */
  close(index: number): void {
    this.#active[index]! -= 1;
    this.#inactive[index]! += 1;
  }

  /** An inactive connection expires. */
  expire(index: number): void {
    this.#inactive[index]! -= 1;
    if (relieves(this.#connections(index), this.#spec(index))) this.#overloaded.delete(index);
  }

  #connections(index: number): number {
    return this.#active[index]! + this.#inactive[index]!;
  }

  /** A destination; where none was told at the index, one that has no thresholds. */
  #spec(index: number): Pick<DestinationSpec, 'upperThreshold' | 'lowerThreshold'> {
    return this.#specs.get(index) ?? {};
  }

  /** Adds to a destination's counters. */
  count(index: number, more: Partial<Counters>): void {
    this.#counters.set(index, sum(this.counters(index), { ...NO_COUNTERS, ...more }));
  }
}
