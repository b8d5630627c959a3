// Hot: schedule runs per connection. Do not allocate.
import type { Destination } from '../destination.ts';
import { accepting, type Scheduler } from '../scheduler.ts';
import { lighter, overhead } from './overhead.ts';

/**
 * Weighted least connection: the destination with the least overhead for its weight, the first
 * of equals. With 12 connections at weight 3 and 5 at weight 1, the first is chosen: 4 < 5.
 *
 * Source: Linux ip_vs_wlc.
 */
export function wlc(): Scheduler {
  return {
    name: 'wlc',

    update() {},

    schedule({ destinations }): Destination | undefined {
      let least: Destination | undefined;
      let leastLoad = 0;
      for (let i = 0; i < destinations.length; i++) {
        const candidate = destinations[i]!;
        if (!accepting(candidate)) continue;
        const load = overhead(candidate);
        if (least === undefined || lighter(load, candidate.weight, leastLoad, least.weight)) {
          least = candidate;
          leastLoad = load;
        }
      }
      return least;
    },
  };
}
