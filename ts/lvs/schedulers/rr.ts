// Hot: schedule runs per connection. Do not allocate.
import type { Destination } from '../destination.ts';
import { accepting, type Scheduler } from '../scheduler.ts';

/**
 * Round robin: each destination in turn, whatever its weight, as long as that is not 0.
 *
 * The cursor is the destination chosen last, and moves with it when others are added in front.
 * If it is itself removed, the one before it takes its place, so that the next stays the next.
 *
 * Source: Linux ip_vs_rr.
 */
export function rr(): Scheduler {
  let last = -1; // index of the destination chosen last; -1 before the first
  let chosen: Destination | undefined; // that destination

  return {
    name: 'rr',

    update({ destinations }) {
      // One destination came, went or was edited: the chosen one has moved by one place at most.
      if (last < 0 || destinations[last] === chosen) return;
      last += destinations[last + 1] === chosen ? 1 : -1;
      chosen = destinations[last];
    },

    schedule({ destinations }): Destination | undefined {
      for (let i = 0; i < destinations.length; i++) {
        const next = last + 1 + i;
        const at = next < destinations.length ? next : next - destinations.length;
        const candidate = destinations[at]!;
        if (accepting(candidate)) {
          last = at;
          chosen = candidate;
          return candidate;
        }
      }
      return undefined;
    },

    cursor: () => [last],

    restore({ destinations }, [place = -1]) {
      last = place;
      chosen = destinations[place];
    },
  };
}
