import { expect, test } from 'vitest';
import { readRecording } from '../support/recorded.ts';
import { otherListings, type Tick } from './rates.ts';

test('rates are listed, tick after tick, as ipvsadm lists a kernel’s', async () => {
  const ticks = readRecording<Tick>('ipvsadm/rates.jsonl');
  expect(ticks.length).toBeGreaterThan(30);
  expect(await otherListings(ticks)).toEqual([]);
});
