import { expect, test } from 'vitest';
import { Defence, type DefenceOptions } from '../../ts/dataplane/defence.ts';
import { DEFAULT_SETTINGS } from '../../ts/lvs/settings.ts';

const quiet = { slots: 0, halfOpen: 0, answered: 0, proven: 0 };

/** What a data plane of 1,000 slots is told of seconds, one after the other. */
function told(seconds: readonly Partial<typeof quiet>[]): string[] {
  const words: string[] = [];
  let now = quiet;
  const dataplane: DefenceOptions['dataplane'] = {
    slots: 1000,
    tableSize: 700,
    cookieCounters: () => now,
    setRelief: (relief) => words.push(relief),
    noteAttack: () => words.push('attack'),
  };
  const census = () => now;
  const settings = () => DEFAULT_SETTINGS;
  const defence = new Defence({ dataplane, slowPath: { census }, settings });
  seconds.forEach((second, nowS) => {
    now = { ...quiet, ...second };
    defence.tick(nowS);
  });
  return words;
}

test('the relief is that for the table as it is', () => {
  expect(told([{}, { slots: 790 }, { slots: 850 }]).filter((word) => word !== 'attack')).toEqual([
    'none',
    'none',
    'half-open',
  ]);
});

test('an attack is noted as long as SYNs are answered that nobody proves', () => {
  const total = { answered: 500, proven: 0 };
  expect(told([{ halfOpen: 44 }, total, { ...total, proven: 500 }, total])).toEqual([
    'none',
    'attack',
    'none',
    'attack',
    'none',
    'attack',
    'none',
    'attack',
  ]);
  expect(told([{ halfOpen: 43 }])).toEqual(['none']);
});
