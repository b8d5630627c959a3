// Hot: runs per event.
import { isActive, stateTimeoutS } from '../lvs/connection.ts';
import type { Dataplane } from '../lvs/dataplane.ts';
import type { Destination } from '../lvs/destination.ts';
import { Director } from '../lvs/director.ts';
import type { ServiceId } from '../lvs/operation.ts';
import { type Services, serviceFor } from '../lvs/persistence.ts';
import type { Makers } from '../lvs/scheduler.ts';
import { type Service, serviceKey } from '../lvs/service.ts';
import {
  type Direction,
  firstState,
  hasEnded,
  isOpening,
  mayOpen,
  nextState,
} from '../lvs/state.ts';
import { addressBytes } from '../net/address.ts';
import { markAddress } from '../net/mark.ts';
import { seededRandom } from '../net/random.ts';
import { Connection, Connections, isTemplate } from './connections.ts';
import { SimulatedDataplane } from './dataplane.ts';
import { Templates } from './templates.ts';

/** A client's five-tuple: its own end, and the virtual service's. */
export interface Flow {
  readonly service: ServiceId;
  /** The firewall mark of its packets; 0 is none. */
  readonly mark: number;
  readonly clientAddress: string;
  readonly clientPort: number;
  /** Text that is equal for equal flows only. */
  readonly key: string;
}

/** The flow of a client to a service. */
export function flowOf(
  service: ServiceId,
  clientAddress: string,
  clientPort: number,
  mark = 0,
): Flow {
  const key = `${clientAddress} ${clientPort} ${serviceKey(service)}`;
  return { service, clientAddress, clientPort, key, mark };
}

/** Why a packet reached no destination, or no client by way of the director. */
const NO_SERVICE = 'no such service';
export const NO_CONNECTION = 'no connection';
export const NO_DESTINATION = 'no destination available';
const DESTINATION_REMOVED = 'the destination was removed';
const UNSEEN = 'replies do not come by';

/** A segment of TCP, whose flags are letters such as SA, or a datagram, which has none. */
export interface Segment {
  readonly direction: Direction;
  readonly flags: string;
}

/** What became of a packet. */
export interface Seen {
  /** The connection that it belongs to, or has opened. */
  readonly connection?: Connection | undefined;
  /** Whether a destination was chosen for it. */
  readonly isNew?: boolean;
  readonly reason?: string;
}

/** How many services and destinations there may be. */
const LIMITS = { services: 16_384, destinations: 131_072 };

/**
 * A director on a virtual clock, without packets: what happens to a packet is what bpf/director.h
 * makes of it, with the same rules, schedulers, states, timeouts and thresholds.
 *
 *   find the connection -> none, or its port is used again: the service -> its scheduler
 *   -> the state that follows -> the timeout begins anew
 */
export class Simulation {
  readonly director: Director;
  readonly #dataplane: SimulatedDataplane;
  readonly #connections = new Connections();
  readonly #templates: Templates;
  readonly #services: Services<Service>;
  #nowUs = 0;

  constructor(limits: Dataplane['limits'] = LIMITS, schedulers: Makers = new Map()) {
    this.#dataplane = new SimulatedDataplane(limits);
    this.director = new Director(this.#dataplane, () => {}, {
      now: () => this.#nowUs / 1_000,
      random: seededRandom(0),
      schedulers,
    });
    const { director } = this;
    this.#templates = new Templates(this.#connections, {
      director,
      dataplane: this.#dataplane,
      now: () => this.#nowUs,
    });
    this.#services = {
      find: (id) => director.service(id),
      isSomeAt: (port) => director.services.some(({ id }) => id.port === port),
    };
  }

  /** Every connection and template. */
  get connections(): Iterable<Connection> {
    return this.#connections;
  }

  /** The virtual clock, in microseconds since the start: whole ones add up without a rest. */
  get nowUs(): number {
    return this.#nowUs;
  }

  /** Lets time pass. Returns how many connections expired. */
  advance(toUs: number): number {
    let expired = 0;
    this.#tick();
    for (;;) {
      const connection = this.#connections.expiring(toUs);
      if (connection === undefined) break;
      this.#nowUs = connection.expiresUs;
      if (this.#templates.keep(connection)) continue;
      this.#end(connection);
      this.#tick();
      if (!isTemplate(connection)) expired += 1;
    }
    this.#nowUs = toUs;
    this.#tick();
    return expired;
  }

  /** Removed destinations are kept for a while after their last connection. */
  #tick(): void {
    this.director.tick(this.#nowUs / 1e6);
  }

  /** The connection of a flow. */
  find(flow: Flow): Connection | undefined {
    return this.#connections.find(flow.key);
  }

  /** Packets of a flow in order, up to one of the client's that reaches no destination. */
  packets(flow: Flow, segments: readonly Segment[]): Seen {
    let connection = this.find(flow);
    let isNew = false;
    for (const segment of segments) {
      const seen = this.#packet(flow, connection, segment);
      if (seen.reason !== undefined && segment.direction === 'in') return seen;
      connection = seen.connection;
      isNew ||= seen.isNew === true;
    }
    return { connection, isNew };
  }

  /** One packet of a flow. */
  packet(flow: Flow, segment: Segment): Seen {
    return this.#packet(flow, this.find(flow), segment);
  }

  #packet(flow: Flow, connection: Connection | undefined, segment: Segment): Seen {
    const { direction, flags } = segment;
    if (direction === 'out') return this.#reply(connection, flags);
    if (connection === undefined) return this.#open(flow, flags);
    if (this.#isRescheduled(connection, flags)) {
      this.#end(connection);
      return this.#open(flow, flags);
    }
    if (!this.#dataplane.isAvailable(connection.destination.index)) {
      return { connection, reason: DESTINATION_REMOVED };
    }
    return this.#track(connection, 'in', flags);
  }

  #reply(connection: Connection | undefined, flags: string): Seen {
    if (connection === undefined) return { reason: NO_CONNECTION };
    if (connection.method === 'masq') return this.#track(connection, 'out', flags);
    return { connection, reason: UNSEEN };
  }

  #open(flow: Flow, flags: string): Seen {
    const { service: id, key } = flow;
    const service = this.#serviceFor(flow);
    if (service === undefined) return { reason: NO_SERVICE };
    if (!mayOpen(id.protocol, flags, this.director.settings)) return { reason: NO_CONNECTION };
    const known = this.#templates.find(service, flow);
    const destination = known?.destination ?? this.#decide(service, flow);
    if (destination === undefined) return { reason: NO_DESTINATION };
    const template = known ?? this.#templates.make(service, flow, destination);
    const first = firstState(id.protocol, flags);
    const state = template === undefined ? first : this.#templates.firstState(first, template);
    const connection = new Connection(key, destination, state);
    if (template !== undefined) this.#templates.control(connection, template);
    this.#connections.add(connection);
    this.#dataplane.admit(destination.index, isActive(state));
    this.#see(connection);
    return { connection, isNew: true };
  }

  /** The service of the flow's mark, or else that of its address; as in bpf/opening.h. */
  #serviceFor({ mark, service: id }: Flow): Service | undefined {
    const { family, port } = id;
    if (mark !== 0) {
      const address = markAddress(mark, family);
      const marked = this.director.service({ protocol: 'fwm', family, address, port: 0 });
      if (marked !== undefined) return marked;
    }
    const service = serviceFor(id, this.#services);
    const hasOtherPort = service?.id.port !== port;
    return hasOtherPort && service?.persistence === undefined ? undefined : service;
  }

  #decide({ tickets }: Service, flow: Flow): Destination | undefined {
    const { service: id, clientAddress, clientPort } = flow;
    return tickets?.decide({
      clientAddress: addressBytes(clientAddress),
      clientPort,
      virtualAddress: addressBytes(id.address),
    });
  }

  /** Whether a client's packet ends its connection, and is scheduled anew. */
  #isRescheduled(connection: Connection, flags: string): boolean {
    const { destination, state, method, controller } = connection;
    const { settings } = this.director;
    if (settings.expire_nodest_conn !== 0) {
      if (!this.#dataplane.isAvailable(destination.index)) return true;
      if (isOpening(flags) && destination.weight === 0) return true;
    }
    return controller === undefined && isOpening(flags) && hasEnded(state, method, settings);
  }

  #track(connection: Connection, direction: Direction, flags: string): Seen {
    const { state, method, destination } = connection;
    connection.state = nextState(state, { method, direction, flags });
    const active = isActive(connection.state);
    if (active !== isActive(state)) this.#dataplane.recount(destination.index, active);
    if (connection.state !== state) this.#templates.assure(connection);
    this.#see(connection);
    return { connection };
  }

  #see(connection: Connection): void {
    const timeoutS = stateTimeoutS(connection.state, this.director.timeouts);
    this.#connections.see(connection, timeoutS, this.#nowUs);
  }

  #end(connection: Connection): void {
    this.#connections.remove(connection);
    if (this.#templates.leave(connection)) return;
    this.#dataplane.dismiss(connection.destination.index, isActive(connection.state));
  }
}
