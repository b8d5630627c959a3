import { expect, test } from 'vitest';
import { anew } from '../../ts/daemon/anew.ts';
import { NO_COUNTERS } from '../../ts/lvs/counters.ts';
import { Director } from '../../ts/lvs/director.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { destination, rule } from '../support/rules.ts';

test('rules come back without what a data plane that is gone had counted', () => {
  const dataplane = new MemoryDataplane();
  const director = new Director(dataplane);
  for (const x of [1, 2, 3]) director.applyAll([rule.add(), rule.addDestination(destination(x))]);
  dataplane.open(0, 'tcp');
  director.applyAll([rule.zero(), rule.deleteDestination(destination(2))]);

  const next = new Director(new MemoryDataplane());
  for (const entry of anew(director.entries())) next.replay(entry);
  const [service] = next.services;
  expect(service!.destinations.map(({ index }) => index)).toEqual([2, 0]);
  expect(next.serviceCounters(service!)).toEqual(NO_COUNTERS);
  expect(service!.destinations.map((each) => next.destinationCounters(each))).toEqual([
    NO_COUNTERS,
    NO_COUNTERS,
  ]);
  next.apply(rule.addDestination(destination(4)));
  expect(service!.destinations[0]!.index).toBe(1);
});
