import { NO_COUNTERS } from './counters.ts';
import type { Counters, Dataplane } from './dataplane.ts';
import { Estimator } from './estimator.ts';
import type { DestinationId, DestinationSpec, ForwardingMethod, Tunnel } from './operation.ts';
import type { Service } from './service.ts';
import type { Undo } from './undo.ts';

/** Where a destination's connection counts are read. */
export type ConnectionCounts = Pick<
  Dataplane,
  'activeConnections' | 'inactiveConnections' | 'persistentConnections' | 'isOverloaded'
>;

/**
 * A real server as a member of one service. Its index is what decisions and connections name it
 * by, from its addition until long after its removal: as long as a connection holds it.
 */
export class Destination implements DestinationId {
  readonly index: number;
  readonly address: string;
  readonly port: number;
  /** How fast its counters go. */
  readonly estimator = new Estimator();
  /** The service that it was added to last. */
  service: Service | undefined;
  #method: ForwardingMethod;
  #tunnel: Tunnel | undefined;
  #weight: number;
  #lastWeight: number;
  #upperThreshold: number;
  #lowerThreshold: number;
  #zeroPoint: Readonly<Counters> = NO_COUNTERS;
  readonly #counts: ConnectionCounts;

  constructor(index: number, spec: DestinationSpec, counts: ConnectionCounts) {
    this.index = index;
    this.address = spec.address;
    this.port = spec.port;
    this.#method = spec.method;
    this.#tunnel = spec.tunnel;
    this.#weight = spec.weight;
    this.#lastWeight = spec.weight;
    this.#upperThreshold = spec.upperThreshold ?? 0;
    this.#lowerThreshold = spec.lowerThreshold ?? 0;
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

  /** The weight that it had last before it was quiesced; 0 when it was added with that. */
  get lastWeight(): number {
    return this.#lastWeight;
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

  /** Clients that are sent there again, at this moment. */
  get persistentConnections(): number {
    return this.#counts.persistentConnections(this.index);
  }

  /** Whether it is between reaching its upper and falling below its lower threshold. Hot. */
  get isOverloaded(): boolean {
    return this.#counts.isOverloaded(this.index);
  }

  /** The destination as the operation that would add it. */
  get spec(): DestinationSpec {
    const { address, port, method, weight } = this;
    const tunnel = this.#tunnel;
    const spec = { address, port, method, ...(tunnel && { tunnel }), weight };
    const upperThreshold = this.#upperThreshold;
    if (upperThreshold === 0) return spec; // then the lower one is 0, too
    const lowerThreshold = this.#lowerThreshold;
    return { ...spec, upperThreshold, ...(lowerThreshold > 0 && { lowerThreshold }) };
  }

  /** Changes everything that does not name it. The service's scheduler has to be told. */
  edit(spec: DestinationSpec): Undo {
    const before = this.spec;
    const lastWeight = this.#lastWeight;
    this.#take(spec);
    if (spec.weight > 0) this.#lastWeight = spec.weight;
    return () => {
      this.#take(before);
      this.#lastWeight = lastWeight;
    };
  }

  /** The same for a destination that was removed and is added again. */
  renew(spec: DestinationSpec): Undo {
    const undo = this.edit(spec);
    this.#lastWeight = spec.weight;
    return undo;
  }

  #take({ method, tunnel, weight, ...thresholds }: DestinationSpec): void {
    const { upperThreshold = 0, lowerThreshold = 0 } = thresholds;
    this.#method = method;
    this.#tunnel = tunnel;
    this.#weight = weight;
    this.#upperThreshold = upperThreshold;
    this.#lowerThreshold = lowerThreshold;
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
