import { NO_COUNTERS } from './counters.ts';
import type { Counters, Dataplane } from './dataplane.ts';
import type { DestinationId, DestinationSpec, ForwardingMethod } from './operation.ts';
import type { Undo } from './undo.ts';

/** Where a destination's connection counts are read. */
export type ConnectionCounts = Pick<Dataplane, 'activeConnections' | 'inactiveConnections'>;

/**
 * A real server as a member of one service. Its index is what decisions and connections name it
 * by, from its addition until long after its removal: as long as a connection holds it.
 */
export class Destination implements DestinationId {
  readonly index: number;
  readonly address: string;
  readonly port: number;
  #method: ForwardingMethod;
  #weight: number;
  #zeroPoint: Readonly<Counters> = NO_COUNTERS;
  readonly #counts: ConnectionCounts;

  constructor(index: number, spec: DestinationSpec, counts: ConnectionCounts) {
    this.index = index;
    this.address = spec.address;
    this.port = spec.port;
    this.#method = spec.method;
    this.#weight = spec.weight;
    this.#counts = counts;
  }

  /** How packets of new connections reach it. */
  get method(): ForwardingMethod {
    return this.#method;
  }

  /** 0 to 2147483647; 0 quiesces. Hot. */
  get weight(): number {
    return this.#weight;
  }

  /** What the data plane had counted when the destination's own counters were at zero. */
  get zeroPoint(): Readonly<Counters> {
    return this.#zeroPoint;
  }

  /** Connections in an active state, at this moment. Hot. */
  get activeConnections(): number {
    return this.#counts.activeConnections(this.index);
  }

  /** Connections in any other state, at this moment. Hot. */
  get inactiveConnections(): number {
    return this.#counts.inactiveConnections(this.index);
  }

  /** The destination as the operation that would add it. */
  get spec(): DestinationSpec {
    const { address, port, method, weight } = this;
    return { address, port, method, weight };
  }

  /** Changes the method and the weight. The service's scheduler has to be told. */
  edit({ method, weight }: DestinationSpec): Undo {
    const before = this.spec;
    this.#method = method;
    this.#weight = weight;
    return () => {
      this.#method = before.method;
      this.#weight = before.weight;
    };
  }

  /** Makes the destination's own counters begin at what the data plane has counted by now. */
  zero(counted: Readonly<Counters>): Undo {
    const before = this.#zeroPoint;
    this.#zeroPoint = counted;
    return () => {
      this.#zeroPoint = before;
    };
  }
}
