import { expect, test } from 'vitest';
import { SCHEDULER_NAMES } from '../../ts/lvs/schedulers/index.ts';
import { Comparison } from '../support/comparison.ts';
import { newHistories, RECORDED_SEED, recordedHistories } from '../support/histories.ts';
import { unavailable } from '../support/oracle.ts';
import { type History, Replay } from '../support/replay.ts';

const recording = recordedHistories();
const comparison = new Comparison();
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
function isUnlimited({ events }: History): boolean {
  return !events.some((event) => /^(add|edit) \w+ \d+ [1-9]/.test(event));
}

test('they are the same when they are made ahead', () => {
  const ahead = recording.filter(({ scheduler }) => /rr$/.test(scheduler)).filter(isUnlimited);
  expect(ahead.length).toBeGreaterThan(50);
  for (const history of ahead) expect(new Replay(history).run()).toEqual(history.events);
});

test('kernel IPVS still does what was recorded', { timeout: 320_000 }, async (context) => {
  const why = unavailable();
  if (why !== undefined) context.skip(why);
  const again = await newHistories({ seed: RECORDED_SEED, first: 1, count: 1 });
  const names = new Set(again.map(({ name }) => name));
  const before = recording.filter(({ name }) => names.has(name));
  if (before.length === 0) context.skip('needs a less busy machine');
  expect(again.filter(({ name }) => before.some((one) => one.name === name))).toEqual(before);
});
