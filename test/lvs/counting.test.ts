import { expect, test } from 'vitest';
import { Destination } from '../../ts/lvs/destination.ts';
import type { CountsScheduler } from '../../ts/lvs/scheduler.ts';
import { makeScheduler } from '../../ts/lvs/schedulers/index.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { destination } from '../support/rules.ts';
import { surroundings } from '../support/surroundings.ts';

interface Given {
  readonly weights: readonly number[];
  readonly active?: readonly number[];
  readonly inactive?: readonly number[];
}

function farm(scheduler: string, { weights, active = [], inactive = [] }: Given) {
  const dataplane = new MemoryDataplane();
  const destinations = weights.map((weight, index) => {
    for (let i = 0; i < (active[index] ?? 0); i++) dataplane.open(index, 'tcp');
    for (let i = 0; i < (inactive[index] ?? 0); i++) dataplane.open(index, 'udp');
    return new Destination(index, destination(index + 1, { weight }), dataplane);
  });
  const made = makeScheduler(scheduler, surroundings()) as CountsScheduler;
  return { dataplane, destinations, scheduler: made };
}

/** The next choices, each connected; - is nobody. */
function choices(scheduler: string, given: Given, count: number): string {
  const { dataplane, destinations, scheduler: its } = farm(scheduler, given);
  let letters = '';
  for (let i = 0; i < count; i++) {
    const chosen = its.schedule({ destinations });
    if (chosen !== undefined) dataplane.open(chosen.index, 'tcp');
    letters += chosen === undefined ? '-' : 'abcdef'[chosen.index];
  }
  return letters;
}

test.for<[string, Given, string]>([
  ['sed', { weights: [1, 3] }, 'bbabbbab'],
  ['sed', { weights: [1, 1], inactive: [9, 0] }, 'abab'],
  ['nq', { weights: [1, 9] }, 'abbbbbbbb'],
  ['nq', { weights: [0, 1, 1], active: [0, 1, 1], inactive: [0, 0, 9] }, 'bc'],
  ['fo', { weights: [1, 3, 3] }, 'bbbb'],
  ['fo', { weights: [0, 0] }, '--'],
  ['ovf', { weights: [1, 2, 1] }, 'bbbaacc-'],
  ['ovf', { weights: [0, 1], active: [0, 2] }, '-'],
])('%s of %j chooses %s', ([name, given, expected]) => {
  expect(choices(name, given, expected.length)).toBe(expected);
});
