import { Destination } from '../../ts/lvs/destination.ts';
import { twos } from '../../ts/lvs/schedulers/twos.ts';
import { type Cell, deviation } from './chi_squared.ts';
import { MemoryDataplane } from './memory_dataplane.ts';
import { destination } from './rules.ts';
import { surroundings } from './surroundings.ts';

/** Weights, and active connections, of destinations. */
export type Given = readonly (readonly [weight: number, active: number])[];

/** Such destinations. */
export function pool(given: Given) {
  const dataplane = new MemoryDataplane();
  const destinations = given.map(([weight, active], index) => {
    for (let i = 0; i < active; i++) dataplane.open(index, 'tcp');
    return new Destination(index, destination(index + 1, { weight }), dataplane);
  });
  return { destinations };
}

/**
 * How likely each is to be chosen, by LVS's rule: a number from 0 to the sum of the weights, both
 * included, leads to the first destination up to which the weights sum up to it. Of two such
 * picks, the second is chosen where its weight times the first one's overhead is more than the
 * first one's weight times its own, all of them 32-bit numbers.
 */
function chances(given: Given): number[] {
  const total = given.reduce((sum, [weight]) => sum + weight, 0);
  const firstPlace = given.findIndex(([weight]) => weight > 0);
  const picked = given.map(([weight], i) => (weight + (i === firstPlace ? 1 : 0)) / (total + 1));
  const chances = given.map(() => 0);
  given.forEach(([weightA, activeA], a) => {
    given.forEach(([weightB, activeB], b) => {
      const isSecond = ((weightB * activeA * 256) | 0) > ((weightA * activeB * 256) | 0);
      chances[isSecond ? b : a]! += picked[a]! * picked[b]!;
    });
  });
  return chances;
}

/** Choices that are made of each pool. */
export const CHOICES = 20_000;

/** Pools among which twos chooses, by what is special about them. */
export const pools: Readonly<Record<string, Given>> = {
  '3:1, idle': [
    [3, 0],
    [1, 0],
  ],
  '1:3, idle': [
    [1, 0],
    [3, 0],
  ],
  'equal, of different loads': [
    [1, 2],
    [1, 0],
    [1, 1],
    [1, 2],
  ],
  '5:3:2, at 10, 6 and 1': [
    [5, 10],
    [3, 6],
    [2, 1],
  ],
  'with zeros': [
    [0, 0],
    [2, 1],
    [0, 9],
    [1, 0],
  ],
  '1 to 16, one connection each': Array.from({ length: 16 }, (_, i) => [i + 1, 1] as const),
  'co-prime': [
    [7, 3],
    [5, 2],
    [3, 2],
  ],
  '65535:1': [
    [65_535, 1],
    [1, 0],
  ],
  'products that run over': [
    [65_535, 200],
    [65_535, 150],
    [65_535, 0],
  ],
};

/** How far the choices of a pool are from what is likely, in standard deviations. */
export function oddity(given: Given): number {
  const scheduler = twos(surroundings());
  const its = pool(given);
  const seen = given.map(() => 0);
  for (let i = 0; i < CHOICES; i++) seen[scheduler.schedule(its)!.index]! += 1;
  const cells = chances(given).map((chance, i): Cell => [seen[i]!, chance * CHOICES]);
  const possible = cells.filter(([count, expected]) => count > 0 || expected > 0);
  return deviation(possible, possible.length - 1);
}

/** More standard deviations than chance makes, but one time in 30,000. */
export const FAR = 4;
