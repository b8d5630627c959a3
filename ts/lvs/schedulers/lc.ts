// Hot: schedule runs per connection. Do not allocate.
import type { Destination } from '../destination.ts';
import { accepting, type Scheduler } from '../scheduler.ts';
import { overhead } from './overhead.ts';

/**
 * Least connection: the destination with the least overhead, the first of equals. Weights do
 * not matter but for 0.
 *
 * Source: Linux ip_vs_lc.
 */
export function lc(): Scheduler {
  return {
    name: 'lc',

    update() {},

    schedule({ destinations }): Destination | undefined {
      let least: Destination | undefined;
      let leastLoad = 0;
      for (let i = 0; i < destinations.length; i++) {
        const candidate = destinations[i]!;
        if (!accepting(candidate)) continue;
        const load = overhead(candidate);
        if (least === undefined || load < leastLoad) {
          least = candidate;
          leastLoad = load;
        }
      }
      return least;
    },
  };
}
