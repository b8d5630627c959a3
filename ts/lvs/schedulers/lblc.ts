// Hot: schedule runs per connection. Do not allocate for an address that is known.
import type { Destination } from '../destination.ts';
import type { FlowScheduler, Pool, Surroundings } from '../scheduler.ts';
import { AddressCache, type Entry } from './address_cache.ts';
import { wlc } from './wlc.ts';

interface Assignment extends Entry {
  destination: Destination;
}

/**
 * Locality-based least connection, for caches behind many virtual addresses: connections to one
 * address go to the destination that had them before, which wlc chose. wlc chooses again when
 * it is gone, quiesced or busy; that it is overloaded does not matter.
 *
 * Source: Linux ip_vs_lblc.
 */
export function lblc(surroundings: Surroundings): FlowScheduler {
  const cache = new AddressCache<Assignment>(surroundings, 'lblc_expiration');
  const least = wlc(surroundings);

  return {
    name: 'lblc',
    kind: 'flow',
    substitute: least,

    update() {},

    schedule(pool, { virtualAddress }): Destination | undefined {
      const entry = cache.find(virtualAddress);
      const known = entry?.destination;
      if (known !== undefined && isThere(known, pool) && !isBusy(known, pool)) return known;
      const destination = least.schedule(pool);
      if (destination === undefined) return undefined;
      if (entry !== undefined) entry.destination = destination;
      else cache.add({ address: virtualAddress.slice(), destination, usedMs: surroundings.now() });
      return destination;
    },
  };
}

function isThere(destination: Destination, { destinations }: Pool): boolean {
  return destination.weight > 0 && destinations.includes(destination);
}

/** Whether a destination has more active connections than its weight, and some other has room. */
export function isBusy(
  { activeConnections, weight }: Destination,
  { destinations }: Pool,
): boolean {
  if (activeConnections <= weight) return false;
  for (let i = 0; i < destinations.length; i++) {
    const other = destinations[i]!;
    if (other.activeConnections * 2 < other.weight) return true;
  }
  return false;
}
