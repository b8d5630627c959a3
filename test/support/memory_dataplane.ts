import { Rings } from '../../ts/dataplane/rings.ts';
import { NO_COUNTERS, sum } from '../../ts/lvs/counters.ts';
import type { Counters } from '../../ts/lvs/dataplane.ts';
import { LvsError } from '../../ts/lvs/error.ts';
import type {
  DestinationSpec,
  ServiceId,
  ServiceProtocol,
  Timeouts,
} from '../../ts/lvs/operation.ts';
import type { Ring } from '../../ts/lvs/ring.ts';
import type { Flow } from '../../ts/lvs/scheduler.ts';
import type { Service } from '../../ts/lvs/service.ts';
import type { Settings } from '../../ts/lvs/settings.ts';
import { Schedule, TicketLine } from '../../ts/native/abi.gen.ts';
import { SimulatedDataplane } from '../../ts/simulate/dataplane.ts';
import { flow } from './rules.ts';
import { TableReader } from './table_reader.ts';
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
 * The simulator's data plane with what a test looks at: what it was told, counters, and rings that
 * are used up. `room` services fit into it, however many indices there are.
 */
export class MemoryDataplane extends SimulatedDataplane {
  room: number;
  readonly #services = new Map<number, ServiceId>();
  readonly #destinations = new Map<number, Where>();
  readonly #weights = new Map<number, number>();
  #timeouts: Timeouts | undefined;
  #settings: Settings | undefined;
  readonly #counters = new Map<number, Counters>();
  /** struct schedule of every service, and struct ticket_line. */
  readonly schedules: ArrayBuffer;
  readonly lines: ArrayBuffer;
  /** Services whose SYNs may be answered by cookies. */
  readonly cookies = new Set<number>();
  /** The parts that XDP plays. */
  readonly taker: TicketTaker;
  readonly reader: TableReader;
  #rings: Rings;
  #nowMs = 0;

  constructor(limits = { services: 64, destinations: 256 }, lines = 4096) {
    super(limits);
    this.schedules = new ArrayBuffer(limits.services * Schedule.size);
    this.lines = new ArrayBuffer(lines * TicketLine.size);
    this.taker = new TicketTaker(this.schedules, this.lines);
    this.reader = new TableReader(this.schedules, this.lines);
    this.#rings = this.#openRings();
    this.room = limits.services;
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

  override putService(index: number, id: ServiceId): void {
    if (!this.#services.has(index) && this.#services.size >= this.room) {
      throw new LvsError('TABLE_FULL', `expected up to ${this.room} services, received one more`);
    }
    this.#services.set(index, id);
  }

  override removeService(index: number): void {
    this.#services.delete(index);
  }

  override putDestination(index: number, spec: DestinationSpec): void {
    super.putDestination(index, spec);
    const { address, port, method, weight } = spec;
    this.#weights.set(index, weight);
    this.#destinations.set(index, { address, port, method });
  }

  override removeDestination(index: number): void {
    super.removeDestination(index);
    this.#destinations.delete(index);
  }

  override clearDestination(index: number): void {
    super.clearDestination(index);
    this.#counters.delete(index);
  }

  override counters(index: number): Counters {
    return { ...(this.#counters.get(index) ?? NO_COUNTERS) };
  }

  override ring(index: number): Ring {
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

  /** A new connection of the service, made and established: the index of its destination. */
  connect(service: Service, of: Flow): number | undefined {
    const index = this.choose(service, of);
    if (index !== undefined) this.open(index, service.id.protocol);
    return index;
  }

  /** What a new connection gets: by table, or a ticket, else the slow path's word. */
  choose({ index, tickets }: Service, of: Flow = flow()): number | undefined {
    const ticket = this.#lookUp(index, of) ?? this.#take(index);
    if (ticket !== undefined) return ticket;
    if (!tickets?.areAwaited) return tickets?.decide(of)?.index;
    while (tickets.replenish()) {
      const late = this.#take(index);
      if (late !== undefined) return late;
    }
    return undefined;
  }

  #lookUp(service: number, of: Flow): number | undefined {
    return this.reader.lookUp(service, of, (index) => {
      return this.#weights.get(index)! > 0 && !this.isOverloaded(index);
    });
  }

  /** The next ticket of a service for a destination that is not overloaded. */
  #take(service: number): number | undefined {
    let ticket = this.taker.take(service);
    while (ticket !== undefined && this.isOverloaded(ticket)) ticket = this.taker.take(service);
    return ticket;
  }

  override activity(index: number): number {
    const counters = this.#counters.get(index) ?? NO_COUNTERS;
    const total = Object.values(counters).reduce((sum, count) => sum + count, 0n);
    return Number(BigInt.asUintN(32, total));
  }

  override setCookies(index: number, allowed: boolean): void {
    if (allowed) this.cookies.add(index);
    else this.cookies.delete(index);
  }

  override setTimeouts(timeouts: Timeouts): void {
    this.#timeouts = timeouts;
  }

  override setSettings(settings: Settings): void {
    this.#settings = settings;
  }

  /** A connection is made and established: active for TCP, inactive for UDP. */
  open(index: number, protocol: ServiceProtocol = 'tcp'): void {
    this.admit(index, protocol === 'tcp');
    this.count(index, { connections: 1n });
  }

  /** An active connection is closed, and inactive until it expires. */
  close(index: number): void {
    this.recount(index, false);
  }

  /** An inactive connection expires. */
  expire(index: number): void {
    this.dismiss(index, false);
  }

  /** Adds to a destination's counters. */
  count(index: number, more: Partial<Counters>): void {
    this.#counters.set(index, sum(this.counters(index), { ...NO_COUNTERS, ...more }));
  }
}
