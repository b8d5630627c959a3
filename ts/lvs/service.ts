import { endpointText } from '../net/address.ts';
import { NO_COUNTERS } from './counters.ts';
import type { Counters } from './dataplane.ts';
import type { Destination } from './destination.ts';
import { Estimator } from './estimator.ts';
import type {
  DestinationId,
  DestinationSpec,
  Persistence,
  SchedulerFlag,
  ServiceId,
  ServiceSpec,
} from './operation.ts';
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
  /** How fast its counters go. */
  readonly estimator = new Estimator();
  /** The number of the operation that changed it last, unique in the life of the rules. */
  edition = 0;
  /** What is scheduled ahead; undefined as long as no data plane knows the service. */
  tickets: Tickets | undefined;
  readonly #destinations: Destination[] = [];
  readonly #byKey = new Map<string, Destination>();
  #scheduler: Scheduler;
  #flags: readonly SchedulerFlag[];
  #exact: boolean;
  #persistence: Persistence | undefined;

  constructor(index: number, spec: ServiceSpec, scheduler: Scheduler) {
    const { protocol, family, address, port, flags = [], exact = false, persistence } = spec;
    this.index = index;
    this.id = { protocol, family, address, port };
    this.#scheduler = scheduler;
    this.#flags = flags;
    this.#exact = exact;
    this.#persistence = persistence;
  }

  get scheduler(): Scheduler {
    return this.#scheduler;
  }

  /** What there is to be said of a scheduler that cannot choose; undefined of one that does. */
  get failure(): string | undefined {
    const { name, complaint, successor } = this.#scheduler;
    const what = complaint ?? successor?.complaint;
    if (what === undefined) return undefined;
    return `scheduler ${name} of ${serviceKey(this.id)} ${what}: wlc chooses in its place`;
  }

  get flags(): readonly SchedulerFlag[] {
    return this.#flags;
  }

  /** Whether every connection is to be scheduled at the moment it comes. */
  get exact(): boolean {
    return this.#exact;
  }

  /** Undefined: each connection is scheduled for itself. */
  get persistence(): Persistence | undefined {
    return this.#persistence;
  }

  get destinations(): readonly Destination[] {
    return this.#destinations;
  }

  /** Whether it reaches all its destinations by NAT, and so sees what they answer. */
  get isNat(): boolean {
    const destinations = this.#destinations;
    return destinations.length > 0 && destinations.every(({ spec }) => spec.method === 'masq');
  }

  /** The service as the operation that would add it. */
  get spec(): ServiceSpec {
    const flags = this.#flags.length > 0 && { flags: this.#flags };
    const exact = this.#exact && { exact: true };
    const persistence = this.#persistence && { persistence: this.#persistence };
    return { ...this.id, scheduler: this.#scheduler.name, ...flags, ...exact, ...persistence };
  }

  /** The service's own destination of that name. */
  find(id: DestinationId): Destination | undefined {
    return this.#byKey.get(destinationKey(id));
  }

  /** Puts a destination in front of all others. O(destinations), as is every change. */
  add(destination: Destination): Undo {
    const resume = this.#bookmark();
    this.#destinations.unshift(destination);
    destination.service = this;
    this.#byKey.set(destinationKey(destination), destination);
    this.#scheduler.update(this);
    return () => {
      this.#destinations.shift();
      this.#byKey.delete(destinationKey(destination));
      resume();
    };
  }

  /** Changes all of a destination that does not name it; it keeps its place. */
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

  /** Says what is asked of the scheduler, and which connections it is to be asked for, and when. */
  setFlags({ flags = [], exact = false, persistence }: Omit<ServiceSpec, keyof ServiceId>): Undo {
    const resume = this.#bookmark();
    const [flagsBefore, exactBefore] = [this.#flags, this.#exact];
    const persistenceBefore = this.#persistence;
    this.#flags = flags;
    this.#exact = exact;
    this.#persistence = persistence;
    return () => {
      this.#flags = flagsBefore;
      this.#exact = exactBefore;
      this.#persistence = persistenceBefore;
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
      else scheduler.update(this);
    };
  }
}
