import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Director } from '../../ts/lvs/director.ts';
import type { JournalEntry } from '../../ts/lvs/journal_entry.ts';
import { happenings, live, operation } from '../support/arbitrary_rules.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { destination, rule, service } from '../support/rules.ts';

const refused = rule.delete(service({ address: '192.0.2.99' }));

/** Everything that can be seen of a director and of its data plane. */
function visible(director: Director, dataplane: MemoryDataplane) {
  return {
    entries: director.entries(),
    told: dataplane.told,
    counters: director.services.map((each) => [
      director.serviceCounters(each),
      ...each.destinations.map((one) => director.destinationCounters(one)),
    ]),
    byIndex: director.services.map((each) => director.serviceAt(each.index) === each),
  };
}

describe('applyAll, atomic', () => {
  test('carries out all operations and reports each', () => {
    const director = new Director(new MemoryDataplane());
    const operations = [rule.add(), rule.addDestination(destination(1))];
    expect(director.applyAll(operations, { atomic: true })).toEqual([{ ok: true }, { ok: true }]);
    expect(director.services[0]?.destinations).toHaveLength(1);
  });

  test('ends its results with the refusal, and nothing has changed', () => {
    const director = new Director(new MemoryDataplane());
    const results = director.applyAll([rule.add(), refused, rule.flush], { atomic: true });
    expect(results).toMatchObject([{ ok: true }, { ok: false, code: 'NO_SUCH_SERVICE' }]);
    expect(director.services).toEqual([]);
  });

  test('is one entry in the journal', () => {
    const journal: JournalEntry[] = [];
    const director = new Director(new MemoryDataplane(), (entries) => journal.push(...entries));
    director.applyAll([rule.add(), rule.addDestination(destination(1))], { atomic: true });
    director.applyAll([rule.zero(), refused], { atomic: true });
    director.applyAll([], { atomic: true });
    expect(journal).toHaveLength(1);
    expect(journal[0]).toMatchObject({ entry: 'batch', entries: [{ index: 0 }, { index: 0 }] });
  });

  test('whatever a refused batch had done is taken back', () => {
    fc.assert(
      fc.property(happenings, fc.array(operation, { maxLength: 12 }), (life, batch) => {
        const dataplane = new MemoryDataplane();
        const director = new Director(dataplane);
        live(director, dataplane, life);
        const before = visible(director, dataplane);
        director.applyAll([...batch, refused], { atomic: true });
        expect(visible(director, dataplane)).toEqual(before);
      }),
    );
  });

  test('a batch that the data plane has no room for is taken back there, too', () => {
    const dataplane = new MemoryDataplane();
    const director = new Director(dataplane);
    const [first, second, third] = [80, 81, 82].map((port) => service({ port }));
    director.apply(rule.add(first));
    director.apply(rule.addDestination(destination(1), first));
    const before = visible(director, dataplane);
    dataplane.room = 1;
    const batch = [rule.flush, rule.add(second), rule.add(third), rule.timeouts(1, 2, 3)];
    const results = director.applyAll(batch, { atomic: true });
    expect(results.at(-1)).toMatchObject({ ok: false, code: 'TABLE_FULL' });
    expect(results).toHaveLength(3);
    expect(visible(director, dataplane)).toEqual(before);
  });
});

describe('applyAll, each for itself', () => {
  test('goes on after a refusal', () => {
    const director = new Director(new MemoryDataplane());
    const results = director.applyAll([rule.add(), refused, rule.addDestination(destination(1))]);
    expect(results.map(({ ok }) => ok)).toEqual([true, false, true]);
  });
});

test('a change that cannot be written down does not take place', () => {
  const dataplane = new MemoryDataplane();
  const director = new Director(dataplane, () => {
    throw new Error('disk full');
  });
  const before = visible(director, dataplane);
  expect(() => director.apply(rule.add())).toThrow('disk full');
  expect(visible(director, dataplane)).toEqual(before);
});
