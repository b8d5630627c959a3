import type { TableScheduler } from '../scheduler.ts';
import { SLOTS } from './dh.ts';
import { hashed } from './hashed.ts';

/**
 * Source hashing: connections of one client go to one destination. Each destination in turn has
 * as many slots, one behind the other, as its weight says; with weight 0 it has one, and refuses.
 *
 * Source: Linux ip_vs_sh.
 */
export function sh(): TableScheduler {
  return hashed({
    name: 'sh',
    hash: 'multiplicative',
    end: 'client',
    hasFlags: true,
    size: SLOTS,

    fill(slots, destinations) {
      let place = 0;
      let dealt = 0; // to the destination of that place, in this turn
      for (let slot = 0; slot < SLOTS; slot++) {
        slots[slot] = place;
        dealt += 1;
        if (dealt < destinations[place]!.weight) continue;
        place = (place + 1) % destinations.length;
        dealt = 0;
      }
      return true;
    },
  });
}
