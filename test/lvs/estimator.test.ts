import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NO_COUNTERS } from '../../ts/lvs/counters.ts';
import type { Counters } from '../../ts/lvs/dataplane.ts';
import { Director } from '../../ts/lvs/director.ts';
import { Estimator } from '../../ts/lvs/estimator.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { destination, rule, service } from '../support/rules.ts';

function counted(more: Partial<Counters>): Counters {
  return { ...NO_COUNTERS, ...more };
}

describe('an estimator', () => {
  test('counts each sample for a quarter, and tells the nearest number, a half down', () => {
    const estimator = new Estimator();
    // 100 in two seconds: 50 a second, of which a quarter is 12.5.
    estimator.sample(counted({ connections: 100n, inBytes: 100n }));
    expect(estimator.rates).toMatchObject({ connections: 12n, inBytes: 12n });
    estimator.sample(estimator.counted);
    expect(estimator.rates).toMatchObject({ connections: 9n, inBytes: 9n });
  });

  test('comes to the rate at which it is told', () => {
    const estimator = new Estimator();
    for (let i = 1n; i <= 200n; i++) {
      estimator.sample(counted({ inPackets: i * 2_000n, outBytes: i * 80_000_000_000n }));
    }
    expect(estimator.rates).toMatchObject({ inPackets: 1_000n, outBytes: 40_000_000_000n });
  });

  test('comes down to zero, and is idle then', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 2n ** 58n), (inBytes) => {
        const estimator = new Estimator();
        const all = counted({ inBytes });
        for (let i = 0; i < 300; i++) estimator.sample(all);
        expect(estimator.isIdle).toBe(true);
        expect(estimator.rates).toBe(NO_COUNTERS);
      }),
    );
  });

  test('tells no rates after they were zeroed, and these again after that is taken back', () => {
    const estimator = new Estimator();
    estimator.sample(counted({ connections: 100n }));
    const undo = estimator.zero();
    expect(estimator.rates).toEqual(NO_COUNTERS);
    undo();
    expect(estimator.rates).toMatchObject({ connections: 12n });
  });
});

function directed(...destinations: number[]) {
  const dataplane = new MemoryDataplane();
  const director = new Director(dataplane);
  director.apply(rule.add());
  for (const x of destinations) director.apply(rule.addDestination(destination(x)));
  const connectionsPerS = () => {
    const [one] = director.services;
    const all = one!.destinations.map(({ estimator }) => estimator.rates.connections);
    return [one!.estimator.rates.connections, ...all.toReversed()].map(Number);
  };
  return { dataplane, director, connectionsPerS };
}

describe('a director', () => {
  test('estimates a service for itself, not as the sum of rounded rates', () => {
    const { dataplane, director, connectionsPerS } = directed(1, 2);
    for (const index of [0, 1]) dataplane.count(index, { connections: 14n });
    director.estimate();
    expect(connectionsPerS()).toEqual([3, 2, 2]);
  });

  test('does not ask for the counters of destinations that stand still', () => {
    const { dataplane, director } = directed(1, 2, 3);
    dataplane.count(1, { connections: 1n });
    for (let i = 0; i < 40; i++) director.estimate();
    const asked: number[] = [];
    const counters = dataplane.counters.bind(dataplane);
    dataplane.counters = (index) => {
      asked.push(index);
      return counters(index);
    };
    director.estimate();
    expect(asked).toEqual([]);
    dataplane.count(2, { inPackets: 1n });
    asked.length = 0;
    director.estimate();
    expect(asked).toEqual([2]);
  });

  test('keeps the rates of a destination in the trash, and zeroes them for another service', () => {
    const { dataplane, director, connectionsPerS } = directed(1);
    dataplane.count(0, { connections: 100n });
    director.estimate();
    director.apply(rule.deleteDestination(destination(1)));
    for (let i = 0; i < 5; i++) director.estimate();
    director.apply(rule.addDestination(destination(1)));
    expect(connectionsPerS()[1]).toBe(12);
    for (const each of [rule.delete(), rule.add(), rule.addDestination(destination(1))]) {
      director.apply(each);
    }
    expect(connectionsPerS()).toEqual([0, 0]);
  });

  test('begins with rates of zero, whatever was counted before it', () => {
    const { dataplane, director } = directed(1);
    dataplane.count(0, { connections: 1_000_000n });
    const next = new Director(dataplane);
    for (const entry of director.entries()) next.replay(entry);
    next.publish();
    next.estimate();
    expect(next.service(service())!.estimator.rates).toEqual(NO_COUNTERS);
  });

  test('estimates nothing for a destination that has the index of a released one', () => {
    const { dataplane, director, connectionsPerS } = directed(1);
    dataplane.count(0, { connections: 100n });
    director.estimate();
    director.apply(rule.deleteDestination(destination(1)));
    director.tick(0);
    director.tick(120);
    director.apply(rule.addDestination(destination(2)));
    director.estimate();
    expect(connectionsPerS()[1]).toBe(0);
  });
});
