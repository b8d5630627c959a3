// Hot: schedule runs per connection. Do not allocate.
import type { Destination } from '../destination.ts';
import { accepting, type Pool, type Scheduler } from '../scheduler.ts';

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
export function wrr(): Scheduler {
  let last = -1; // index of the destination chosen last; -1 before the first
  let bar = 0; // weight a destination needs in this pass
  let top = 0; // bar of the first pass
  let step = 1; // how far the bar drops after each pass

  function measure({ destinations }: Pool): void {
    let heaviest = 0;
    let divisor = 0;
    for (const { weight } of destinations) {
      if (weight > heaviest) heaviest = weight;
      if (divisor !== 1) divisor = gcd(divisor, weight);
    }
    step = divisor || 1;
    top = heaviest - (step - 1);
  }

  return {
    name: 'wrr',

    update(pool) {
      measure(pool);
      last = -1;
      if (bar === 0 || bar > top) bar = top;
      // The bars of a round are 1, 1 + step, 1 + 2 step, …
      else if (step > 1) bar += 1 - (bar % step);
    },

    schedule({ destinations }): Destination | undefined {
      // The rest of the current pass, then one whole round: nothing is left unvisited after that.
      const visits = destinations.length * (Math.ceil(top / step) + 1);
      for (let i = 0; i < visits; i++) {
        last += 1;
        if (last === destinations.length) {
          last = 0;
          bar = bar > step ? bar - step : top;
        }
        const candidate = destinations[last]!;
        if (candidate.weight >= bar && accepting(candidate)) return candidate;
      }
      return undefined;
    },

    cursor: () => [last, bar],

    restore(pool, [place = -1, height = 0]) {
      measure(pool);
      last = place;
      bar = height;
    },
  };
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
