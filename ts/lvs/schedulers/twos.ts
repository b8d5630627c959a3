// Hot: schedule and draw run per connection. Do not allocate.
import type { Destination } from '../destination.ts';
import { accepting, type CountsScheduler, type Pool, type Surroundings } from '../scheduler.ts';
import { overhead } from './overhead.ts';

/** Stands where nobody was picked. */
const NOBODY = -1;

/** C's largest int. */
const INT_MAX = 2 ** 31 - 1;

/**
 * The power of two choices: two destinations are picked at random, by their weights, and the one
 * with the smaller overhead for its weight gets the connection; the first picked of equals.
 *
 * Numbers are C's int: products and sums of large weights run over, as they do in LVS.
 *
 * Source: Linux ip_vs_twos; Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing".
 */
export function twos(surroundings: Surroundings): CountsScheduler {
  const load = overhead(surroundings);
  const candidates: Destination[] = [];
  const drawn: number[] = []; // connections of each candidate, since the survey
  const reach: number[] = []; // the weights' sum up to each candidate, running over nowhere
  let total = 0; // of their weights

  function survey(pool: Pool): void {
    candidates.length = 0;
    drawn.length = 0;
    reach.length = 0;
    total = 0;
    for (let i = 0; i < pool.destinations.length; i++) {
      const candidate = pool.destinations[i]!;
      if (!accepting(candidate, pool)) continue;
      candidates.push(candidate);
      drawn.push(0);
      reach.push((reach.at(-1) ?? 0) + candidate.weight);
      total = (total + candidate.weight) | 0;
    }
  }

  /** Of all candidates one, by weight; both 0 and the total are drawn, as LVS does. */
  function pick(): number {
    let left = Math.floor(surroundings.random() * ((total + 1) >>> 0)) | 0;
    if (reach[reach.length - 1]! <= INT_MAX) return firstReaching(reach, left);
    for (let i = 0; i < candidates.length; i++) {
      left = (left - candidates[i]!.weight) | 0;
      if (left <= 0) return i;
    }
    return NOBODY;
  }

  function loadOf(picked: number): number {
    const { activeConnections, inactiveConnections, weight } = candidates[picked]!;
    return load(activeConnections + drawn[picked]!, inactiveConnections, weight);
  }

  function better(first: number, second: number): number {
    if (second === NOBODY) return first === NOBODY ? candidates.length - 1 : first;
    if (first === NOBODY) return loadOf(second) > 0 ? second : candidates.length - 1;
    const firstDelay = Math.imul(candidates[second]!.weight, loadOf(first));
    const secondDelay = Math.imul(candidates[first]!.weight, loadOf(second));
    return firstDelay > secondDelay ? second : first;
  }

  function draw(): Destination | undefined {
    if (candidates.length === 0) return undefined;
    const winner = better(pick(), pick());
    drawn[winner]! += 1;
    return candidates[winner];
  }

  return {
    name: 'twos',
    kind: 'counts',
    update() {},
    survey,
    draw,

    schedule(pool) {
      survey(pool);
      return draw();
    },
  };
}

/** The first place whose number is at least that wanted, of numbers that grow. */
function firstReaching(reach: readonly number[], wanted: number): number {
  let [first, last] = [0, reach.length - 1];
  while (first < last) {
    const middle = (first + last) >> 1;
    if (reach[middle]! >= wanted) last = middle;
    else first = middle + 1;
  }
  return first;
}
