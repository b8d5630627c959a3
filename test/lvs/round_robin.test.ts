import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Destination } from '../../ts/lvs/destination.ts';
import { makeScheduler, SCHEDULER_NAMES } from '../../ts/lvs/schedulers/index.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { destination, flow } from '../support/rules.ts';
import { surroundings } from '../support/surroundings.ts';

const weights = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 8 });

function pool(weights: readonly number[]) {
  const dataplane = new MemoryDataplane();
  const destinations = weights.map(
    (weight, index) => new Destination(index, destination(index, { weight }), dataplane),
  );
  return { destinations };
}

function shares(name: string, weights: readonly number[], connections: number): number[] {
  const scheduler = makeScheduler(name, surroundings())!;
  const service = pool(weights);
  scheduler.update(service);
  const shares = weights.map(() => 0);
  for (let i = 0; i < connections; i++) {
    const chosen = scheduler.schedule(service, flow());
    if (chosen !== undefined) shares[chosen.index]! += 1;
  }
  return shares;
}

test('wrr gives each destination its weight of every round', () => {
  fc.assert(
    fc.property(weights, fc.integer({ min: 1, max: 3 }), (weights, rounds) => {
      const round = weights.reduce((sum, weight) => sum + weight, 0);
      expect(shares('wrr', weights, round * rounds)).toEqual(weights.map((w) => w * rounds));
    }),
  );
});

test('rr gives each accepting destination the same', () => {
  fc.assert(
    fc.property(weights, fc.integer({ min: 1, max: 3 }), (weights, rounds) => {
      const accepting = weights.filter((weight) => weight > 0).length;
      const each = weights.map((weight) => (weight > 0 ? rounds : 0));
      expect(shares('rr', weights, accepting * rounds)).toEqual(each);
    }),
  );
});

test.for(SCHEDULER_NAMES)('%s chooses none of none', (name) => {
  const scheduler = makeScheduler(name, surroundings());
  expect(scheduler?.schedule({ destinations: [] }, flow())).toBeUndefined();
});

test('rr goes on with the next when the chosen one is removed', () => {
  const scheduler = makeScheduler('rr', surroundings())!;
  const [a, b, c] = pool([1, 1, 1]).destinations as [Destination, Destination, Destination];
  const all = { destinations: [a, b, c] };
  scheduler.update(all);
  expect([scheduler.schedule(all, flow()), scheduler.schedule(all, flow())]).toEqual([a, b]);
  const rest = { destinations: [a, c] };
  scheduler.update(rest);
  expect(scheduler.schedule(rest, flow())).toBe(c);
});

test('no scheduler has the name of what every object has', () => {
  for (const name of ['constructor', '__proto__', 'toString', '']) {
    expect(makeScheduler(name, surroundings())).toBeUndefined();
  }
});
