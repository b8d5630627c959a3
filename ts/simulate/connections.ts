// Hot: runs per event. Do not allocate but for a connection.
import type { ConnectionState } from '../lvs/connection.ts';
import type { Destination } from '../lvs/destination.ts';
import type { ForwardingMethod } from '../lvs/operation.ts';

/** A place in a queue. The queue itself is one, between its newest and its oldest. */
class Link {
  before: Link = this;
  behind: Link = this;

  unlink(): void {
    this.before.behind = this.behind;
    this.behind.before = this.before;
  }

  /** Goes to the end of a queue. */
  join(queue: Link): void {
    this.unlink();
    this.before = queue.before;
    this.behind = queue;
    queue.before.behind = this;
    queue.before = this;
  }
}

/** A tracked flow; or a template, which is of no packet. */
export class Connection extends Link {
  /** Changes with a template that sends nobody any more. */
  key: string;
  readonly destination: Destination;
  /** The destination's when the connection was opened. */
  readonly method: ForwardingMethod;
  state: ConnectionState;
  /** When it expires, in microseconds of the virtual clock. */
  expiresUs = 0;
  /** Of a template: how long it lives without a new connection, and how many it controls. */
  timeoutS = 0;
  controls = 0;
  /** The template that sent it where it goes. */
  controller: Connection | undefined;

  constructor(key: string, destination: Destination, state: ConnectionState) {
    super();
    this.key = key;
    this.destination = destination;
    this.method = destination.method;
    this.state = state;
  }
}

/** Whether it is a template. */
export function isTemplate({ timeoutS }: Connection): boolean {
  return timeoutS > 0;
}

/**
 * The connections by their flows, and in the order in which they expire. Those of one timeout
 * expire in the order in which they were seen last, so that a queue for each timeout is enough:
 *
 *   900 s   oldest ... newest <- whose packet came just now
 *   120 s   oldest ... newest
 */
export class Connections {
  readonly #byKey = new Map<string, Connection>();
  /** By timeout, in seconds. */
  readonly #queues = new Map<number, Link>();

  find(key: string): Connection | undefined {
    return this.#byKey.get(key);
  }

  add(connection: Connection): void {
    this.#byKey.set(connection.key, connection);
  }

  /** From now on it is found by another key. */
  rename(connection: Connection, key: string): void {
    this.#byKey.delete(connection.key);
    connection.key = key;
    this.#byKey.set(key, connection);
  }

  /** Every connection and template. */
  [Symbol.iterator](): Iterator<Connection> {
    return this.#byKey.values();
  }

  remove(connection: Connection): void {
    this.#byKey.delete(connection.key);
    connection.unlink();
  }

  /** A packet of the connection came: its timeout begins anew. */
  see(connection: Connection, timeoutS: number, nowUs: number): void {
    let queue = this.#queues.get(timeoutS);
    if (queue === undefined) {
      queue = new Link();
      this.#queues.set(timeoutS, queue);
    }
    connection.join(queue);
    connection.expiresUs = nowUs + timeoutS * 1e6;
  }

  /** The connection that expires first, if it does so by then. */
  expiring(untilUs: number): Connection | undefined {
    let first: Connection | undefined;
    for (const { behind: oldest } of this.#queues.values()) {
      if (!(oldest instanceof Connection)) continue;
      if (oldest.expiresUs <= (first?.expiresUs ?? untilUs)) first = oldest;
    }
    return first;
  }
}
