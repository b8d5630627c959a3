import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { Director } from '../../ts/lvs/director.ts';
import type { JournalEntry } from '../../ts/lvs/journal_entry.ts';
import { SCHEDULER_NAMES } from '../../ts/lvs/schedulers/index.ts';
import { happenings, happeningsWith, live } from '../support/arbitrary_rules.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { destination, rule } from '../support/rules.ts';

/** A director over the data plane of one that was killed; its replay must leave that alone. */
function successor(dataplane: MemoryDataplane, entries: readonly JournalEntry[]): Director {
  const director = new Director(dataplane);
  const { told } = dataplane;
  const read = vi.spyOn(dataplane, 'counters');
  for (const entry of entries) director.replay(JSON.parse(JSON.stringify(entry)));
  expect(read).not.toHaveBeenCalled();
  expect(dataplane.told).toEqual(told);
  read.mockRestore();
  return director;
}

/** The state but for how far the schedulers are in their rounds. */
function withoutCursors(director: Director): unknown[] {
  return director.entries().map((entry) => ({ ...entry, progress: undefined }));
}

function counters(director: Director) {
  return director.services.map((service) => [
    director.serviceCounters(service),
    ...service.destinations.map((destination) => director.destinationCounters(destination)),
  ]);
}

test('a director that replays the journal is the one that wrote it', () => {
  fc.assert(
    fc.property(happenings, (life) => {
      const dataplane = new MemoryDataplane();
      const journal: JournalEntry[] = [];
      const director = new Director(dataplane, (entries) => journal.push(...entries));
      live(director, dataplane, life);

      const next = successor(dataplane, journal);
      expect(withoutCursors(next)).toEqual(withoutCursors(director));
      expect(counters(next)).toEqual(counters(director));
    }),
  );
});

/** Chance, and which clients lblc and lblcr have seen, are not written down. */
const FORGETFUL = ['twos', 'lblc', 'lblcr'];
const remembering = happeningsWith(SCHEDULER_NAMES.filter((name) => !FORGETFUL.includes(name)));

test('its entries make the same director, with every scheduler where it was', () => {
  fc.assert(
    fc.property(remembering, remembering, (life, future) => {
      const dataplane = new MemoryDataplane();
      const director = new Director(dataplane);
      live(director, dataplane, life);

      const next = successor(dataplane, director.entries());
      expect(next.entries()).toEqual(director.entries());
      expect(counters(next)).toEqual(counters(director));

      // And, once it has taken over the data plane, it goes on as the first one would have: one of
      // two equal worlds has each of them.
      const twin = new MemoryDataplane();
      const original = new Director(twin);
      live(original, twin, life);
      dataplane.adopt();
      next.publish();
      const rest = future.filter((happening) => !('tick' in happening));
      live(original, twin, rest);
      live(next, dataplane, rest);
      expect(choices(next, dataplane)).toEqual(choices(original, twin));
    }),
  );
});

function choices(director: Director, dataplane: MemoryDataplane): (number | undefined)[][] {
  return director.services.map((service) =>
    Array.from({ length: 12 }, () => dataplane.choose(service)),
  );
}

test('a rule change writes down where the scheduler is', () => {
  const dataplane = new MemoryDataplane();
  const journal: JournalEntry[] = [];
  const director = new Director(dataplane, (entries) => journal.push(...entries));
  director.apply(rule.add());
  for (const x of [1, 2, 3]) director.apply(rule.addDestination(destination(x)));
  const [service] = director.services;
  dataplane.choose(service!);
  director.apply(rule.editDestination(destination(3, { weight: 5 })));
  expect(journal.at(-1)).toMatchObject({ progress: { edition: 5, cursor: [0, 0, 0] } });
});

test('publishing a replayed journal tells another data plane the same', () => {
  fc.assert(
    fc.property(happenings, (life) => {
      const dataplane = new MemoryDataplane();
      const director = new Director(dataplane);
      const told = [rule.timeouts(0, 0, 0), rule.settings({ drop_entry: 3 })];
      live(director, dataplane, [...life, { operations: told, atomic: false }]);

      const other = new MemoryDataplane();
      const next = new Director(other);
      for (const entry of director.entries()) next.replay(entry);
      next.publish();
      expect(other.told).toEqual(dataplane.told);
    }),
  );
});
