import { expect, test } from 'vitest';
import { Destination } from '../../ts/lvs/destination.ts';
import { Director } from '../../ts/lvs/director.ts';
import { AddressCache } from '../../ts/lvs/schedulers/address_cache.ts';
import { makeScheduler } from '../../ts/lvs/schedulers/index.ts';
import type { Settings } from '../../ts/lvs/settings.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { destination, flow, rule, service } from '../support/rules.ts';
import { surroundings } from '../support/surroundings.ts';

const S = 1_000;
const HOUR = 3_600 * S;

/** Destinations a, b, c, … of a scheduler, and the connections that it gave them. */
class Farm {
  readonly dataplane = new MemoryDataplane();
  readonly surroundings;
  readonly destinations: Destination[];
  readonly #scheduler;

  constructor(scheduler: string, weights: readonly number[], settings: Partial<Settings> = {}) {
    this.surroundings = surroundings(settings);
    this.#scheduler = makeScheduler(scheduler, this.surroundings)!;
    this.destinations = weights.map(
      (weight, index) => new Destination(index, destination(index + 1, { weight }), this.dataplane),
    );
  }

  /** Who gets a new connection to the address, which is established and stays. */
  connect(virtual: string): string | undefined {
    const chosen = this.#scheduler.schedule(this, flow({ virtual }));
    if (chosen === undefined) return undefined;
    this.dataplane.open(chosen.index);
    return 'abcdef'[chosen.index];
  }

  connects(virtual: string, count: number): string {
    return Array.from({ length: count }, () => this.connect(virtual)).join('');
  }

  wait(ms: number): void {
    this.surroundings.clock.advance(ms);
  }
}

test.for(['lblc', 'lblcr'])('%s keeps to the destination that an address had first', (name) => {
  const farm = new Farm(name, [3, 3]);
  expect(farm.connects('192.0.2.1', 3)).toBe('aaa');
  expect(farm.connects('192.0.2.2', 3)).toBe('bbb');
  expect(farm.connects('2001:db8::1', 1)).toBe('a');
});

test('lblc moves an address from a busy destination to one with room', () => {
  const farm = new Farm('lblc', [2, 4]);
  for (let i = 0; i < 3; i++) farm.dataplane.open(1);
  expect(farm.connects('192.0.2.1', 3)).toBe('aaa'); // 3 > 2, but nobody has 2 * active < weight
  farm.dataplane.close(1);
  farm.dataplane.close(1);
  expect(farm.connects('192.0.2.1', 2)).toBe('bb');
});

test('lblcr gives a busy address a second destination, and uses both', () => {
  const farm = new Farm('lblcr', [2, 8]);
  for (let i = 0; i < 3; i++) farm.dataplane.open(1);
  expect(farm.connects('192.0.2.1', 4)).toBe('aaab');
  for (let i = 0; i < 3; i++) farm.dataplane.close(0);
  expect(farm.connects('192.0.2.1', 2)).toBe('ab');
});

test('lblcr takes the busiest out of a set that has not changed for a day', () => {
  const farm = new Farm('lblcr', [1, 1, 1]);
  farm.dataplane.open(2);
  expect(farm.connects('192.0.2.1', 2)).toBe('aa');
  expect(farm.connects('192.0.2.1', 1)).toBe('b'); // 2 > 1, and b is idle: the set is b, a
  farm.wait(24 * HOUR - 1);
  farm.dataplane.close(1);
  expect(farm.connect('192.0.2.1')).toBe('b'); // still of both
  farm.wait(S);
  farm.dataplane.close(0);
  farm.dataplane.close(0);
  farm.connect('192.0.2.1'); // a goes out afterwards, or b
  expect(new Set(farm.connects('192.0.2.1', 6)).size).toBe(1);
});

test.for(['lblc', 'lblcr'])('%s forgets an address that nobody asked for in a day', (name) => {
  const farm = new Farm(name, [9, 9]);
  expect(farm.connects('192.0.2.1', 2)).toBe('aa');
  farm.wait(24 * HOUR - 1);
  expect(farm.connect('192.0.2.1')).toBe('a'); // asked for
  farm.wait(24 * HOUR - 1);
  expect(farm.connect('192.0.2.1')).toBe('a');
  farm.wait(24.5 * HOUR);
  expect(farm.connect('192.0.2.1')).toBe('b');
});

test.for(['lblc', 'lblcr'])('%s obeys an expiration that is set', (name) => {
  const farm = new Farm(name, [9, 9], { [`${name}_expiration`]: 60 });
  expect(farm.connect('192.0.2.1')).toBe('a');
  farm.wait(29 * 60 * S); // all that expired is forgotten each half hour only
  expect(farm.connect('192.0.2.1')).toBe('a');
  farm.wait(31 * 60 * S);
  expect(farm.connect('192.0.2.1')).toBe('b');
});

test('a flood of addresses is not remembered without end', () => {
  const cache = new AddressCache(surroundings(), 'lblc_expiration');
  const addresses = Array.from({ length: 262_145 }, (_, n) =>
    Uint8Array.of(10, n >> 16, n >> 8, n),
  );
  for (const address of addresses) cache.add({ address, usedMs: 0 });
  expect(cache.find(addresses.at(-2)!)).toBeDefined();
  expect(cache.find(addresses.at(-1)!)).toBeUndefined();
});

test.for(['lblc', 'lblcr'])('%s chooses anew when its choice is quiesced or gone', (name) => {
  const farm = new Farm(name, [9, 9]);
  expect(farm.connects('192.0.2.1', 2)).toBe('aa');
  const [a] = farm.destinations;
  farm.destinations.shift();
  expect(farm.connects('192.0.2.1', 2)).toBe('bb');
  farm.destinations.unshift(a!);
  farm.destinations[1]!.edit({ ...farm.destinations[1]!.spec, weight: 0 });
  expect(farm.connects('192.0.2.1', 1)).toBe('a');
});

test('an overloaded destination keeps its addresses with lblc, and not with lblcr', () => {
  const chosen = ['lblc', 'lblcr'].map((name) => {
    const farm = new Farm(name, [9, 9]);
    const limited = { ...farm.destinations[0]!.spec, upperThreshold: 2 };
    farm.dataplane.putDestination(0, limited);
    return farm.connects('192.0.2.1', 3);
  });
  expect(chosen).toEqual(['aaa', 'aab']);
});

test('without a director, a reserve that wlc drew stands in for lblc', () => {
  const dataplane = new MemoryDataplane();
  const director = new Director(dataplane);
  director.apply(rule.add(service(), 'lblc'));
  director.apply(rule.addDestination(destination(1, { weight: 1 })));
  director.apply(rule.addDestination(destination(2, { weight: 3 })));
  const { index } = director.service(service())!;
  expect(dataplane.taker.take(index)).toBeUndefined();
  const reused = Array.from({ length: 8 }, (_, n) => dataplane.taker.reuse(index, n)!);
  const weights = reused.map((to) => director.destinationAt(to)!.weight);
  expect(weights.filter((weight) => weight === 3)).toHaveLength(6);
});
