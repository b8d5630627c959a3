import { expect, test } from 'vitest';
import type { RecountReply } from '../../ts/api/types.ts';
import { checkCounts } from '../../ts/doctor/counts.ts';
import { canRun, findingsTable } from '../../ts/doctor/finding.ts';

const check = (reply: RecountReply) => checkCounts({ recount: async () => reply });

test('equal counts are told in a line', async () => {
  const findings = await check({ miscounts: [], unsettled: 0 });
  expect(findingsTable(findings)).toBe('ok       counts are those of the connections\n');
  expect(canRun(findings)).toBe(true);
});

test('a difference is a problem, with destination, counted and held', async () => {
  const destination = 'tcp 192.0.2.1:80 -> 10.0.0.2:80';
  const counted = { active: 5, inactive: 2, persistent: 3 };
  const findings = await check({
    miscounts: [{ destination, counted, held: { active: 4, inactive: 2, persistent: 3 } }],
    unsettled: 0,
  });
  expect(findings).toMatchObject([{ level: 'problem', subject: destination }]);
  expect(findings[0]?.found).toBe(
    'counted 5 active, 2 inactive connections, 3 templates; the table holds 4, 2, 3: put right',
  );
  expect(canRun(findings)).toBe(false);
});

test('destinations of which nothing can be said are told', async () => {
  const findings = await check({ miscounts: [], unsettled: 2 });
  expect(findings).toMatchObject([{ level: 'note', found: expect.stringMatching(/^2 dest/) }]);
  expect(canRun(findings)).toBe(true);
});
