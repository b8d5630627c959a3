import type { ConnectionCounts, Destination } from './destination.ts';
import type { DestinationId, ServiceId } from './operation.ts';
import { destinationKey, type Service, serviceKey } from './service.ts';
import type { Undo } from './undo.ts';

/** How long a removed destination without connections is kept. Source: Linux ip_vs_ctl. */
const IDLE_S = 120;

/** A destination that was removed. */
export interface Discarded {
  readonly destination: Destination;
  readonly serviceId: ServiceId;
  /** The service it was removed from; undefined where that is known to be gone. */
  readonly owner: Service | undefined;
  /** Since when no connection was seen to hold it; undefined while one may. */
  idleSinceS: number | undefined;
}

/**
 * The destinations that were removed and are not forgotten yet: their connections name them
 * still, and if one is added again, it comes back with its connections and counters.
 */
export class Trash {
  readonly #byKey = new Map<string, Discarded>();

  /** What is in the trash, in the order in which it came. */
  get content(): Iterable<Discarded> {
    return this.#byKey.values();
  }

  /** The removed destination of a service of that name. */
  find(service: ServiceId, destination: DestinationId): Discarded | undefined {
    return this.#byKey.size === 0 ? undefined : this.#byKey.get(key(service, destination));
  }

  add(discarded: Discarded): Undo {
    const name = key(discarded.serviceId, discarded.destination);
    this.#byKey.set(name, discarded);
    return () => this.#byKey.delete(name);
  }

  remove(discarded: Discarded): Undo {
    const name = key(discarded.serviceId, discarded.destination);
    this.#byKey.delete(name);
    return () => this.#byKey.set(name, discarded);
  }

  /** Those that no connection has held for long enough. */
  expired(nowS: number, counts: ConnectionCounts): Discarded[] {
    const expired: Discarded[] = [];
    for (const discarded of this.#byKey.values()) {
      const { index } = discarded.destination;
      const connections = counts.activeConnections(index) + counts.inactiveConnections(index);
      const held = connections + counts.persistentConnections(index) > 0;
      discarded.idleSinceS = held ? undefined : (discarded.idleSinceS ?? nowS);
      if (nowS - (discarded.idleSinceS ?? nowS) >= IDLE_S) expired.push(discarded);
    }
    return expired;
  }
}

function key(service: ServiceId, destination: DestinationId): string {
  return `${serviceKey(service)} ${destinationKey(destination)}`;
}
