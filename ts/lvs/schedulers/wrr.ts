// Hot: schedule runs per connection. Do not allocate.
import type { Destination } from '../destination.ts';
import { accepting, type Pool, type SequenceScheduler } from '../scheduler.ts';
import { gcd } from './gcd.ts';

/**
 * Weighted round robin, interleaved.
 *
 * A round is a series of passes over the destinations. The first pass admits only the heaviest,
 * each later pass lowers the bar by the greatest common divisor of the weights, and the last
 * pass admits everyone. Weights 4, 3, 2 give A AB ABC ABC.
 *
 * A change of the rules begins a pass anew, but keeps the bar where it was: so the order of
 * choices depends on the changes that went before, as it does in LVS.
 *
 * Source: Linux ip_vs_wrr; LVS documentation, "Weighted Round-Robin Scheduling".
 */
export function wrr(): SequenceScheduler {
  let last = -1; // index of the destination chosen last; -1 before the first
  let bar = 0; // weight a destination needs in this pass
  let top = 0; // bar of the first pass
  let step = 1; // how far the bar drops after each pass
  const pass = new Pass();

  function measure({ destinations }: Pool): void {
    let most = 0;
    let divisor = 0;
    for (const { weight } of destinations) {
      if (weight > most) most = weight;
      if (divisor !== 1) divisor = gcd(divisor, weight);
    }
    step = divisor || 1;
    top = most - (step - 1);
    pass.isStale = true;
  }

  return {
    name: 'wrr',
    kind: 'sequence',

    update(pool) {
      measure(pool);
      last = -1;
      if (bar === 0 || bar > top) bar = top;
      // The bars of a round are 1, 1 + step, 1 + 2 step, …
      else if (step > 1) bar += 1 - (bar % step);
    },

    schedule(pool): Destination | undefined {
      if (pass.isStale) pass.begin(pool, bar, last);
      const [firstLast, firstBar] = [last, bar];
      // The rest of the current pass, the next one, and the one that somebody accepting reaches.
      for (let passes = 0; passes < 3; passes++) {
        for (let at = pass.next(); at !== NONE; at = pass.next()) {
          last = at;
          const candidate = pool.destinations[at]!;
          if (accepting(candidate, pool)) return candidate;
        }
        bar = bar > step ? bar - step : top;
        if (passes > 0) bar -= Math.max(0, Math.ceil((bar - heaviest(pool)) / step)) * step;
        pass.begin(pool, bar, -1);
      }
      // LVS stays in a pass that admits everyone, and begins a round anew in any other.
      const stays = firstLast >= 0 && firstBar <= step;
      last = stays ? firstLast : -1;
      bar = stays ? firstBar : top;
      pass.isStale = true;
      return undefined;
    },

    save(into, at) {
      into[at] = last;
      into[at + 1] = bar;
    },

    load(pool, from, at) {
      measure(pool);
      last = from[at]!;
      bar = from[at + 1]!;
    },

    round({ destinations }) {
      return destinations.reduce((sum, { weight }) => sum + weight, 0) / step;
    },
  };
}

/** The weight of the heaviest destination that is accepting; 0 where none is. */
function heaviest(pool: Pool): number {
  let most = 0;
  for (let i = 0; i < pool.destinations.length; i++) {
    const candidate = pool.destinations[i]!;
    if (accepting(candidate, pool)) most = Math.max(most, candidate.weight);
  }
  return most;
}

const NONE = -1;

/** One pass: the places of the destinations that reach the bar, so that the others cost nothing. */
class Pass {
  /** Whether the destinations are others since it began. */
  isStale = true;
  #places = new Int32Array(0);
  #count = 0;
  #next = 0;
  /** Who reaches a bar between these two, the lower one excluded, reaches this one. */
  #bar = 0;
  #heaviestRefused = 0;

  /** Begins behind a place. O(destinations) where others reach the bar than did before. */
  begin({ destinations }: Pool, bar: number, last: number): void {
    this.#next = 0;
    const isSame = !this.isStale && bar <= this.#bar && bar > this.#heaviestRefused;
    this.isStale = false;
    if (isSame) return;
    if (this.#places.length < destinations.length) {
      this.#places = new Int32Array(destinations.length * 2);
    }
    this.#bar = bar;
    this.#heaviestRefused = 0;
    this.#count = 0;
    for (let place = 0; place < destinations.length; place++) {
      const { weight } = destinations[place]!;
      if (weight < bar) {
        this.#heaviestRefused = Math.max(this.#heaviestRefused, weight);
      } else if (weight > 0) {
        this.#places[this.#count] = place;
        this.#count += 1;
        if (place <= last) this.#next = this.#count;
      }
    }
  }

  /** The place that comes next; NONE when the pass is over. */
  next(): number {
    if (this.#next === this.#count) return NONE;
    this.#next += 1;
    return this.#places[this.#next - 1]!;
  }
}
