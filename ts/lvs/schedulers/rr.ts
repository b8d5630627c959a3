// Hot: schedule runs per connection. Do not allocate.
import type { Destination } from '../destination.ts';
import { accepting, type SequenceScheduler } from '../scheduler.ts';

/**
 * Round robin: each destination in turn, whatever its weight, as long as that is not 0.
 *
 * The cursor is the destination chosen last, and moves with it when others are added in front.
 * If it is itself removed, the one before it takes its place, so that the next stays the next.
 *
 * Source: Linux ip_vs_rr.
 */
export function rr(): SequenceScheduler {
  let last = -1; // index of the destination chosen last; -1 before the first
  let chosen: Destination | undefined; // that destination

  return {
    name: 'rr',
    kind: 'sequence',

    update({ destinations }) {
      // One destination came, went or was edited: the chosen one has moved by one place at most.
      if (last < 0 || destinations[last] === chosen) return;
      last += destinations[last + 1] === chosen ? 1 : -1;
      chosen = destinations[last];
    },

    schedule(pool): Destination | undefined {
      const { destinations } = pool;
      let at = last;
      for (let left = destinations.length; left > 0; left--) {
        at += 1;
        if (at >= destinations.length) at = 0;
        const candidate = destinations[at]!;
        if (accepting(candidate, pool)) {
          last = at;
          chosen = candidate;
          return candidate;
        }
      }
      return undefined;
    },

    save(into, at) {
      into[at] = last;
    },

    load({ destinations }, from, at) {
      last = from[at]!;
      chosen = destinations[last];
    },

    round({ destinations }) {
      return destinations.reduce((count, { weight }) => count + (weight > 0 ? 1 : 0), 0);
    },
  };
}
