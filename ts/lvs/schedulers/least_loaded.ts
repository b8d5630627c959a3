// Hot: schedule and draw run per connection. Do not allocate.
import type { Destination } from '../destination.ts';
import { accepting, type CountsScheduler } from '../scheduler.ts';
import { FULL, type Load, lighter } from './overhead.ts';
import { Tournament } from './tournament.ts';

/** What a scheduler takes for the load of a destination. */
export interface Measure {
  readonly load: Load;
  /** Whether loads are compared for the destinations' weights. */
  readonly isWeighted: boolean;
}

/**
 * A scheduler that chooses the destination with the least load, the first of equals. One choice
 * looks at every destination; many at once are drawn by a tournament.
 */
export function leastLoaded(name: string, { load, isWeighted }: Measure): CountsScheduler {
  const tournament = new Tournament(load);

  return {
    name,
    kind: 'counts',

    update() {},

    schedule(pool): Destination | undefined {
      const { destinations } = pool;
      let least: Destination | undefined;
      let leastLoad = 0;
      let leastWeight = 1;
      for (let i = 0; i < destinations.length; i++) {
        const candidate = destinations[i]!;
        if (!accepting(candidate, pool)) continue;
        const { activeConnections, inactiveConnections } = candidate;
        const weight = isWeighted ? candidate.weight : 1;
        const ownLoad = load(activeConnections, inactiveConnections, weight);
        if (least === undefined || lighter(ownLoad, weight, leastLoad, leastWeight)) {
          least = candidate;
          leastLoad = ownLoad;
          leastWeight = weight;
        }
      }
      return leastLoad < FULL ? least : undefined;
    },

    survey(pool) {
      const { destinations } = pool;
      tournament.clear(destinations.length);
      for (let i = 0; i < destinations.length; i++) {
        const candidate = destinations[i]!;
        if (!accepting(candidate, pool)) continue;
        tournament.enter(candidate, isWeighted ? candidate.weight : 1);
      }
      tournament.begin();
    },

    draw: () => tournament.next(),
  };
}
