import { expect, test } from 'vitest';
import { SCHEDULER_NAMES } from '../../ts/lvs/schedulers/index.ts';
import { Comparison } from '../support/comparison.ts';
import { MemoryCrowd } from '../support/crowd.ts';
import { hasThresholds, recordedHistories } from '../support/histories.ts';
import { Replay } from '../support/replay.ts';

const recording = recordedHistories();
const comparison = new Comparison(
  (history) => new Replay(history, new MemoryCrowd(), { exact: true }),
);
for (const history of recording) comparison.compare(history);

test('every choice in the recorded histories is that of kernel IPVS', () => {
  expect(comparison.differences).toEqual([]);
});

const deterministic = SCHEDULER_NAMES.filter((name) => name !== 'twos');

test.for(deterministic)('20,000 choices of %s were compared', (name) => {
  expect(comparison.rows.get(name)!.decisions).toBeGreaterThanOrEqual(20_000);
});

/**
 * Where a destination is overloaded, tickets for it are used up, so that round robin goes on from
 * another place than LVS.
 */
test('they are the same when they are made ahead', () => {
  const ahead = recording
    .filter(({ scheduler }) => /rr$/.test(scheduler))
    .filter((history) => !hasThresholds(history));
  expect(ahead.length).toBeGreaterThan(50);
  for (const history of ahead)
    expect(new Replay(history, new MemoryCrowd()).run()).toEqual(history.events);
});
