import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Destination } from '../../ts/lvs/destination.ts';
import { Director } from '../../ts/lvs/director.ts';
import type { TableScheduler } from '../../ts/lvs/scheduler.ts';
import { makeScheduler } from '../../ts/lvs/schedulers/index.ts';
import type { Settings } from '../../ts/lvs/settings.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { destination, flow, rule, service } from '../support/rules.ts';
import { surroundings } from '../support/surroundings.ts';

const weights = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 40 });

function pool(weights: readonly number[]) {
  const dataplane = new MemoryDataplane();
  const destinations = weights.map(
    (weight, index) => new Destination(index, destination(index + 1, { weight }), dataplane),
  );
  return { destinations };
}

function table(name: string, settings: Partial<Settings> = {}): TableScheduler {
  const scheduler = makeScheduler(name, surroundings(settings));
  if (scheduler?.kind !== 'table') throw new Error(`expected a table, received ${name}`);
  return scheduler;
}

function slotsOf(place: number, slots: Uint32Array): number {
  return slots.filter((each) => each === place).length;
}

test('mh gives out its slots by weight, to one slot of a turn', () => {
  fc.assert(
    fc.property(weights, (weights) => {
      const slots = table('mh').slots(pool(weights));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      expect(slots).toHaveLength(total === 0 ? 0 : 4093);
      weights.forEach((weight, place) => {
        const share = total === 0 ? 0 : (weight / total) * 4093;
        expect(Math.abs(slotsOf(place, slots) - share)).toBeLessThanOrEqual(weight);
      });
    }),
    { numRuns: 30 },
  );
});

test.for(Array.from({ length: 10 }, (_, i) => i + 8))('mh fills a table of index %d', (index) => {
  const slots = table('mh', { mh_tab_index: index }).slots(pool([2, 1, 1]));
  expect(slots.length).toBeGreaterThan(2 ** index / 1.1);
  expect(slotsOf(0, slots) / slots.length).toBeCloseTo(0.5, 1);
});

test('when one of ten leaves, mh moves little more than the clients that were its', () => {
  const all = pool(Array(10).fill(1));
  const rest = { destinations: all.destinations.slice(1) };
  const before = table('mh').slots(all);
  const after = table('mh').slots(rest);
  const moved = before.filter((place, slot) => after[slot] !== place - 1).length;
  expect(moved / 4093).toBeGreaterThan(0.1);
  expect(moved / 4093).toBeLessThan(0.16);
});

/** Of each of a hundred clients, who serves it. */
function choices(director: Director, dataplane: MemoryDataplane) {
  return Array.from({ length: 100 }, (_, n) =>
    dataplane.choose(director.service(service())!, flow({ client: `198.51.100.${n}` })),
  );
}

function directorOf(scheduler: string) {
  const dataplane = new MemoryDataplane();
  const director = new Director(dataplane);
  director.apply(rule.add(service(), scheduler));
  for (const x of [1, 2, 3]) director.apply(rule.addDestination(destination(x, { weight: x })));
  return { director, dataplane };
}

test('who restarts knows the weight that a quiesced destination had', () => {
  const { director, dataplane } = directorOf('mh');
  director.apply(rule.editDestination(destination(2, { weight: 0 })));
  const next = new Director(dataplane);
  for (const entry of director.entries()) next.replay(JSON.parse(JSON.stringify(entry)));
  next.publish();
  expect(choices(next, dataplane)).toEqual(choices(director, dataplane));
  expect(choices(next, dataplane)).toContain(undefined);
});

test.for(['dh', 'sh', 'mh'])('a batch that is refused leaves the table of %s as it was', (name) => {
  const { director, dataplane } = directorOf(name);
  const before = choices(director, dataplane);
  const batch = [
    rule.addDestination(destination(4, { weight: 9 })),
    rule.editDestination(destination(1, { weight: 0 })),
    rule.settings({ mh_tab_index: 9 }),
    rule.addDestination(destination(1)),
  ];
  expect(director.applyAll(batch, { atomic: true }).at(-1)).toMatchObject({ ok: false });
  expect(choices(director, dataplane)).toEqual(before);
});

test('another mh_tab_index is obeyed at once', () => {
  const { director, dataplane } = directorOf('mh');
  const before = choices(director, dataplane);
  director.apply(rule.settings({ mh_tab_index: 8 }));
  const smaller = choices(director, dataplane);
  expect(smaller).not.toEqual(before);
  director.apply(rule.settings({ mh_tab_index: 12 }));
  expect(choices(director, dataplane)).toEqual(before);
});
