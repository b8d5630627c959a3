import { addressBytes } from '../../net/address.ts';
import type { Destination } from '../destination.ts';
import type { TableScheduler } from '../scheduler.ts';
import { gcd } from './gcd.ts';
import { fold, hashed, MH_KEY } from './hashed.ts';
import { hsiphash } from './siphash.ts';

/** Sizes of the table, the first of them for index 8. Source: Linux ip_vs_mh. */
const PRIMES = [251, 509, 1021, 2039, 4093, 8191, 16_381, 32_749, 65_521, 131_071] as const;
const FIRST_INDEX = 8;

/** The second key of Linux ip_vs_mh. */
const SKIP_KEY = 2_654_446_892;

/** Stands in a slot that nobody has taken yet. */
const FREE = 0xffff_ffff;

/**
 * Maglev hashing: source hashing that moves few clients when a destination comes or goes. Each
 * destination goes through all slots in an order of its own, and takes the next one that is free,
 * or as many as its weight says, whenever it is its turn.
 *
 * A quiesced destination keeps the slots of its last weight, and refuses.
 *
 * `tableIndex`: 8 to 17, for tables of 251 to 131071 slots.
 *
 * Source: Linux ip_vs_mh; Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load
 * Balancer", section 3.4.
 */
export function mh(tableIndex: number): TableScheduler {
  const size = PRIMES[tableIndex - FIRST_INDEX]!;

  return hashed({
    name: 'mh',
    hash: 'siphash',
    end: 'client',
    hasFlags: true,
    size,

    fill(slots, destinations) {
      const turns = turnsOf(destinations, Math.floor(tableIndex / 2));
      if (turns.every((count) => count === 0)) return false;
      const orders = destinations.map((destination) => new Order(destination, size));
      slots.fill(FREE);
      let place = 0;
      let dealt = 0; // to the destination of that place, in this turn
      for (let left = size; left > 0; left--) {
        while (dealt === turns[place]) {
          place = (place + 1) % orders.length;
          dealt = 0;
        }
        slots[orders[place]!.next(slots)] = place;
        dealt += 1;
      }
      return true;
    },
  });
}

/** How many slots each destination takes at a time: its weight, cut to so many bits. */
function turnsOf(destinations: readonly Destination[], bits: number): number[] {
  const weights = destinations.map(({ lastWeight }) => lastWeight);
  const step = weights.reduce(gcd, 0) || 1;
  const heaviest = weights.reduce((most, weight) => Math.max(most, weight), 0) / step;
  const shift = Math.max(0, 32 - Math.clz32(heaviest) - bits);
  return weights.map((weight) => (weight / step) >> shift || Math.sign(weight));
}

/** The slots in the order in which one destination wants them. */
class Order {
  readonly #size: number;
  readonly #skip: number;
  #at: number;

  constructor({ address, port }: Destination, size: number) {
    const key = fold(addressBytes(address)) + port;
    this.#size = size;
    this.#at = hsiphash(key, MH_KEY) % size;
    this.#skip = (hsiphash(key, SKIP_KEY) % (size - 1)) + 1;
  }

  /** The next one that is free. */
  next(slots: Uint32Array): number {
    let at = this.#at;
    while (slots[at] !== FREE) {
      at += this.#skip;
      if (at >= this.#size) at -= this.#size;
    }
    this.#at = at;
    return at;
  }
}
