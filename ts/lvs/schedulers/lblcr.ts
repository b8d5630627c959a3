// Hot: schedule runs per connection. Do not allocate for an address that is known.
import type { Destination } from '../destination.ts';
import type { FlowScheduler, Pool, Surroundings } from '../scheduler.ts';
import { AddressCache, type Entry } from './address_cache.ts';
import { isBusy } from './lblc.ts';
import { type Load, lighter, overhead } from './overhead.ts';
import { wlc } from './wlc.ts';

interface Assignment extends Entry {
  /** Newest first. */
  readonly set: Destination[];
  /** When somebody came into the set, or left it. */
  changedMs: number;
}

/**
 * Locality-based least connection with replication: as lblc, but an address has a set of
 * destinations, of which wlc chooses. When that one is busy, wlc chooses among all, and who is
 * chosen joins the set. From a set that has not changed for long, the one with the greatest
 * overhead for its weight is taken out.
 *
 * Source: Linux ip_vs_lblcr.
 */
export function lblcr(surroundings: Surroundings): FlowScheduler {
  const cache = new AddressCache<Assignment>(surroundings, 'lblcr_expiration');
  const least = wlc(surroundings);
  const load = overhead(surroundings);
  const present: Destination[] = []; // of the set at hand

  function leastOf({ set }: Assignment, { destinations }: Pool): Destination | undefined {
    present.length = 0;
    for (let i = 0; i < set.length; i++) {
      if (destinations.includes(set[i]!)) present.push(set[i]!);
    }
    return least.schedule({ destinations: present });
  }

  function shrink(entry: Assignment): void {
    const { set, changedMs } = entry;
    const nowMs = surroundings.now();
    const expirationMs = surroundings.settings.lblcr_expiration * 1_000;
    if (set.length < 2 || nowMs <= changedMs + expirationMs) return;
    const most = mostLoaded(set, load);
    if (most === undefined) return;
    set.splice(set.indexOf(most), 1);
    entry.changedMs = nowMs;
  }

  return {
    name: 'lblcr',
    kind: 'flow',
    substitute: least,

    update() {},

    schedule(pool, { virtualAddress }): Destination | undefined {
      const entry = cache.find(virtualAddress);
      if (entry !== undefined) {
        const known = leastOf(entry, pool);
        shrink(entry);
        if (known !== undefined && !isBusy(known, pool)) return known;
      }
      const chosen = least.schedule(pool);
      if (chosen === undefined) return undefined;
      const nowMs = surroundings.now();
      if (entry === undefined) {
        const address = virtualAddress.slice();
        cache.add({ address, set: [chosen], usedMs: nowMs, changedMs: nowMs });
      } else if (!entry.set.includes(chosen)) {
        entry.set.unshift(chosen);
        entry.changedMs = nowMs;
      }
      return chosen;
    },
  };
}

/** Who has the most load for its weight, the first of equals; the quiesced do not count. */
function mostLoaded(set: readonly Destination[], load: Load): Destination | undefined {
  let most: Destination | undefined;
  let mostLoad = 0;
  for (let i = 0; i < set.length; i++) {
    const candidate = set[i]!;
    const { activeConnections, inactiveConnections, weight } = candidate;
    if (weight === 0) continue;
    const ownLoad = load(activeConnections, inactiveConnections, weight);
    if (most === undefined || lighter(mostLoad, most.weight, ownLoad, weight)) {
      most = candidate;
      mostLoad = ownLoad;
    }
  }
  return most;
}
