import { beforeEach, describe, expect, test } from 'vitest';
import { Director } from '../../ts/lvs/director.ts';
import type { JournalEntry } from '../../ts/lvs/journal_entry.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { destination, rule, service } from '../support/rules.ts';

describe('a removed destination', () => {
  let dataplane: MemoryDataplane;
  let director: Director;
  let journal: JournalEntry[];

  beforeEach(() => {
    journal = [];
    dataplane = new MemoryDataplane();
    director = new Director(dataplane, (entries) => journal.push(...entries));
    director.apply(rule.add());
    director.apply(rule.addDestination(destination(1)));
    director.apply(rule.addDestination(destination(2)));
    dataplane.open(0, 'udp');
    director.apply(rule.deleteDestination(destination(1)));
  });

  test('is not available, and its connections still name it', () => {
    expect(new Set(dataplane.told.destinations.keys())).toEqual(new Set([1]));
    expect(director.destinationAt(0)?.address).toBe('10.0.0.1');
  });

  test('keeps its index as long as a connection holds it', () => {
    for (let nowS = 0; nowS <= 1000; nowS += 10) director.tick(nowS);
    director.apply(rule.addDestination(destination(3)));
    expect(director.destinationAt(2)?.address).toBe('10.0.0.3');
  });

  test('is forgotten 120 s after its last connection has gone', () => {
    director.tick(1000);
    dataplane.expire(0);
    director.tick(1001);
    director.tick(1120);
    expect(director.destinationAt(0)).toBeDefined();
    director.tick(1121);
    expect(director.destinationAt(0)).toBeUndefined();
    expect(dataplane.counters(0).connections).toBe(0n);
    expect(journal.at(-1)).toEqual({ entry: 'release', indices: [0] });
    director.apply(rule.addDestination(destination(3)));
    expect(director.destinationAt(0)?.address).toBe('10.0.0.3');
  });

  test('is not idle while it is held once more', () => {
    dataplane.expire(0);
    director.tick(0);
    dataplane.open(0, 'udp');
    director.tick(100);
    dataplane.expire(0);
    director.tick(130);
    expect(director.destinationAt(0)).toBeDefined();
    director.tick(250);
    expect(director.destinationAt(0)).toBeUndefined();
  });

  test('comes back at the head with its index and connections when it is added again', () => {
    director.apply(rule.addDestination(destination(1, { weight: 7, method: 'route' })));
    const [head] = director.service(service())!.destinations;
    expect(head).toMatchObject({ index: 0, weight: 7, method: 'route', inactiveConnections: 1 });
    expect(new Set(dataplane.told.destinations.keys())).toEqual(new Set([0, 1]));
  });

  test('is another one than that of another service', () => {
    const other = service({ port: 81 });
    director.apply(rule.add(other));
    director.apply(rule.addDestination(destination(1), other));
    expect(director.service(other)?.destinations[0]?.index).toBe(2);
  });

  test('is forgotten though its service was deleted', () => {
    director.apply(rule.delete());
    dataplane.expire(0);
    director.tick(0);
    director.tick(120);
    expect([director.destinationAt(0), director.destinationAt(1)]).toEqual([undefined, undefined]);
    expect(director.entries()).toEqual(new Director(dataplane).entries());
  });
});
