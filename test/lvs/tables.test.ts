import { expect, test } from 'vitest';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { RECORDED_TABLES, TableReplay } from '../support/table_replay.ts';

test.for(RECORDED_TABLES)('kernel IPVS chose as we do: $name', (recorded) => {
  const replay = new TableReplay(recorded, new MemoryDataplane());
  expect(recorded.events.map((event) => replay.happen(event))).toEqual(recorded.events);
});

test('and as we do one by one', () => {
  for (const recorded of RECORDED_TABLES) {
    const replay = new TableReplay(recorded, new MemoryDataplane(), { exact: true });
    expect(recorded.events.map((event) => replay.happen(event))).toEqual(recorded.events);
  }
});

test.for(['dh', 'sh', 'mh'])('thousands of choices of %s were compared', (scheduler) => {
  const choices = RECORDED_TABLES.filter((recorded) => recorded.scheduler === scheduler)
    .flatMap(({ events }) => events.filter((event) => event.startsWith('choose')))
    .reduce((count, event) => count + event.split(' ')[2]!.length, 0);
  expect(choices).toBeGreaterThan(4_000);
});
