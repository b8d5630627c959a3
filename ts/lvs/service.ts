import { endpointText } from '../net/address.ts';
import { NO_COUNTERS } from './counters.ts';
import type { Counters } from './dataplane.ts';
import type { Destination } from './destination.ts';
import type { DestinationId, DestinationSpec, ServiceId, ServiceSpec } from './operation.ts';
import { cursorOf, type Pool, type Scheduler } from './scheduler.ts';
import type { Tickets } from './tickets.ts';
import type { Undo } from './undo.ts';

/** Text that is equal for equal services only. */
export function serviceKey({ protocol, address, port }: ServiceId): string {
  return `${protocol} ${endpointText(address, port)}`;
}

/** Text that is equal for equal destinations of one service only. */
export function destinationKey({ address, port }: DestinationId): string {
  return endpointText(address, port);
}

/**
 * A virtual service: what clients reach, the destinations that answer for it, newest first, and
 * the scheduler that chooses among them. Every change tells the scheduler, after it has taken back
 * what it has chosen ahead.
 */
export class Service implements Pool {
  readonly index: number;
  readonly id: ServiceId;
  /**
   * What makes the service's counters of its destinations': the sum over those that it has now,
   * plus this. So it keeps what destinations counted that were removed since.
   */
  counterOffset: Readonly<Counters> = NO_COUNTERS;
  /** The number of the operation that changed it last, unique in the life of the rules. */
  edition = 0;
  /** What is scheduled ahead; undefined as long as no data plane knows the service. */
  tickets: Tickets | undefined;
  readonly #destinations: Destination[] = [];
  readonly #byKey = new Map<string, Destination>();
  #scheduler: Scheduler;
  #exact: boolean;

  constructor(index: number, spec: ServiceSpec, scheduler: Scheduler) {
    const { protocol, family, address, port, exact = false } = spec;
    this.index = index;
    this.id = { protocol, family, address, port };
    this.#scheduler = scheduler;
    this.#exact = exact;
  }

  get scheduler(): Scheduler {
    return this.#scheduler;
  }

  /** Whether every connection is to be scheduled at the moment it comes. */
  get exact(): boolean {
    return this.#exact;
  }

  get destinations(): readonly Destination[] {
    return this.#destinations;
  }

  /** The service as the operation that would add it. */
  get spec(): ServiceSpec {
    return { ...this.id, scheduler: this.#scheduler.name, ...(this.#exact && { exact: true }) };
  }

  /** The service's own destination of that name. */
  find(id: DestinationId): Destination | undefined {
    return this.#byKey.get(destinationKey(id));
  }

  /** Puts a destination in front of all others. O(destinations), as is every change. */
  add(destination: Destination): Undo {
    const resume = this.#bookmark();
    this.#destinations.unshift(destination);
    this.#byKey.set(destinationKey(destination), destination);
    this.#scheduler.update(this);
    return () => {
      this.#destinations.shift();
      this.#byKey.delete(destinationKey(destination));
      resume();
    };
  }

  /** Changes a destination's method and weight; it keeps its place. */
  edit(destination: Destination, spec: DestinationSpec): Undo {
    const resume = this.#bookmark();
    const undo = destination.edit(spec);
    this.#scheduler.update(this);
    return () => {
      undo();
      resume();
    };
  }

  /** Takes a destination out of the list. */
  remove(destination: Destination): Undo {
    const resume = this.#bookmark();
    const place = this.#destinations.indexOf(destination);
    this.#destinations.splice(place, 1);
    this.#byKey.delete(destinationKey(destination));
    this.#scheduler.update(this);
    return () => {
      this.#destinations.splice(place, 0, destination);
      this.#byKey.set(destinationKey(destination), destination);
      resume();
    };
  }

  /** Lets another scheduler choose, from the beginning of its round. */
  reschedule(scheduler: Scheduler): Undo {
    const resume = this.#bookmark();
    const before = this.#scheduler;
    this.#scheduler = scheduler;
    scheduler.update(this);
    return () => {
      this.#scheduler = before;
      resume();
    };
  }

  /** Says whether every connection is to be scheduled at the moment it comes. */
  setExact(exact: boolean): Undo {
    const resume = this.#bookmark();
    const before = this.#exact;
    this.#exact = exact;
    return () => {
      this.#exact = before;
      resume();
    };
  }

  /** Takes back what is scheduled ahead, and remembers where the scheduler is then. */
  #bookmark(): Undo {
    this.tickets?.recall();
    const scheduler = this.#scheduler;
    const cursor = cursorOf(scheduler);
    return () => {
      if (scheduler.kind === 'sequence') scheduler.load(this, cursor, 0);
    };
  }
}
