import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Director } from '../../ts/lvs/director.ts';
import type { Operation } from '../../ts/lvs/operation.ts';
import { happenings, live } from '../support/arbitrary_rules.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { destination, rule, service } from '../support/rules.ts';

function directed(...operations: Operation[]) {
  const dataplane = new MemoryDataplane({ services: 3, destinations: 4 });
  const director = new Director(dataplane);
  for (const operation of operations) director.apply(operation);
  return { dataplane, director };
}

const ports = [80, 81, 82, 83].map((port) => service({ port }));

describe('indices', () => {
  test('a new service gets the lowest free one, and its place by its age', () => {
    const { director } = directed(...ports.slice(0, 3).map((each) => rule.add(each)));
    director.apply(rule.delete(ports[1]));
    director.apply(rule.add(ports[3]));
    expect(director.serviceAt(1)?.id.port).toBe(83);
    expect(director.services.map(({ index }) => index)).toEqual([0, 2, 1]);
  });

  test('when none is free the rule is refused', () => {
    const { director } = directed(...ports.slice(0, 3).map((each) => rule.add(each)));
    expect(() => director.apply(rule.add(ports[3]))).toThrow(
      expect.objectContaining({
        code: 'TABLE_FULL',
        message: 'expected up to 3 services, received one more',
      }),
    );
    for (const x of [1, 2, 3, 4]) director.apply(rule.addDestination(destination(x)));
    expect(() => director.apply(rule.addDestination(destination(5)))).toThrow('4 destinations');
  });

  test('a service that the data plane refuses keeps none', () => {
    const { director, dataplane } = directed();
    dataplane.room = 0;
    expect(() => director.apply(rule.add())).toThrow('received one more');
    dataplane.room = 1;
    director.apply(rule.add(ports[1]));
    expect(director.serviceAt(0)?.id).toEqual(ports[1]);
  });
});

describe('what a refusal says', () => {
  test.for([
    [rule.addDestination(destination(1, { weight: -1 })), 'for weight, received -1'],
    [rule.addDestination(destination(1, { weight: 1.5 })), 'for weight, received 1.5'],
    [rule.addDestination(destination(1, { address: '224.0.0.1' })), 'unicast address'],
    [rule.addDestination(destination(1, { address: '::1' })), 'an IPv4 address'],
    [rule.edit(service(), 'constructor'), 'one of rr, wrr, lc, wlc, lblc, lblcr, dh, sh, '],
    [rule.timeouts(1, 2, 2_678_401), 'expected 0 to 2678400 for udpS, received 2678401'],
    [rule.delete(service({ port: 9 })), 'an existing service, received tcp 192.0.2.1:9'],
  ] as const)('%j: %s', ([operation, message]) => {
    const { director } = directed(rule.add());
    expect(() => director.apply(operation)).toThrow(message);
  });
});

describe('editing a service', () => {
  test('with another scheduler begins its round anew', () => {
    const { director } = directed(rule.add(), rule.addDestination(destination(1)));
    director.apply(rule.edit(service(), 'wrr'));
    expect(director.services[0]?.scheduler.name).toBe('wrr');
  });

  test('with the same scheduler leaves its round alone', () => {
    const { director } = directed(rule.add(), rule.addDestination(destination(1)));
    const before = director.services[0]?.scheduler;
    director.apply(rule.edit(service(), 'rr'));
    expect(director.services[0]?.scheduler).toBe(before);
  });
});

test('timeouts of 0 keep what is, and the data plane is told the result', () => {
  const { director, dataplane } = directed(rule.timeouts(0, 7, 0));
  expect(director.timeouts).toEqual({ tcpS: 900, tcpFinS: 7, udpS: 300 });
  expect(dataplane.told.timeouts).toEqual(director.timeouts);
});

test('the data plane knows what the director knows', () => {
  fc.assert(
    fc.property(happenings, (life) => {
      const dataplane = new MemoryDataplane();
      const director = new Director(dataplane);
      live(director, dataplane, life);
      const listed = director.services.flatMap(({ destinations }) => destinations);
      expect(new Set(dataplane.told.destinations.keys())).toEqual(
        new Set(listed.map(({ index }) => index)),
      );
      expect(dataplane.told.services).toEqual(
        new Map(director.services.map(({ index, id }) => [index, id])),
      );
      expect(listed.every((one) => director.destinationAt(one.index) === one)).toBe(true);
    }),
  );
});

test('a service counts every connection since it was added or zeroed, once', () => {
  fc.assert(
    fc.property(happenings, (life) => {
      const dataplane = new MemoryDataplane();
      const director = new Director(dataplane);
      director.apply(rule.add());
      for (const x of [1, 2]) director.apply(rule.addDestination(destination(x)));
      const others = life.filter((each) => 'operations' in each || 'tick' in each);
      live(director, dataplane, others);
      const [subject] = director.services;
      if (subject === undefined) return;
      director.apply(rule.zero(subject.id));
      let opened = 0n;
      for (const x of [1, 2, 1, 2, 2]) {
        for (const { index } of subject.destinations) dataplane.open(index);
        opened += BigInt(subject.destinations.length);
        const gone = subject.find(destination(x));
        if (gone) director.apply(rule.deleteDestination(gone, subject.id));
        else director.apply(rule.addDestination(destination(x), subject.id));
      }
      expect(director.serviceCounters(subject).connections).toBe(opened);
    }),
  );
});
