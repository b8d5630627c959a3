import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { applyRule } from '../../ts/simulate/rules.ts';
import { flowOf, Simulation } from '../../ts/simulate/simulation.ts';
import { loadSchedulers } from '../../ts/user/load.ts';
import { service } from '../support/rules.ts';

const directory = mkdtempSync(join(tmpdir(), 'xlvs-example-'));
afterAll(() => rmSync(directory, { recursive: true }));

const page = readFileSync('docs/schedulers.md', 'utf8');

function block(name: string): string {
  return new RegExp(`^\`\`\`${name}\n(.*?)\n\`\`\``, 'ms').exec(page)![1]!;
}

test('the canary of docs/schedulers.md takes 1 %, none quiesced, and all when alone', async () => {
  const file = join(directory, 'canary.mjs');
  writeFileSync(file, block('js'));
  const simulation = new Simulation(undefined, loadSchedulers([file]));
  const rule = async (line: string) =>
    expect(await applyRule(simulation.director, line)).toEqual({ status: 0, stderr: '' });
  for (const line of block('rules').split('\n')) await rule(line);

  let port = 1024;
  const shares = (connections: number) => {
    const counts: Record<string, number> = {};
    for (let i = 0; i < connections; i++) {
      port += 1;
      const { connection } = simulation.packet(flowOf(service(), '198.51.100.7', port), {
        direction: 'in',
        flags: 'S',
      });
      const to = connection?.destination.address ?? 'nobody';
      counts[to] = (counts[to] ?? 0) + 1;
    }
    return counts;
  };
  expect(shares(1_000)).toEqual({ '10.0.0.11': 500, '10.0.0.12': 490, '10.0.0.13': 10 });

  const edit = (host: string, weight: number) =>
    rule(`-e -t 192.0.2.1:80 -r ${host} -m -w ${weight}`);
  await edit('10.0.0.13:8081', 0);
  expect(shares(1_000)).toEqual({ '10.0.0.11': 500, '10.0.0.12': 500 });
  await edit('10.0.0.13:8081', 1);
  await edit('10.0.0.11:80', 0);
  await edit('10.0.0.12:80', 0);
  expect(shares(10)).toEqual({ '10.0.0.13': 10 });
  expect(simulation.director.services[0]?.failure).toBeUndefined();
});
