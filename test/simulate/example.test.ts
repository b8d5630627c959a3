import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { echo, parseEvent } from '../../ts/simulate/event.ts';
import { play } from '../../ts/simulate/play.ts';
import { applyRule } from '../../ts/simulate/rules.ts';
import { Simulation } from '../../ts/simulate/simulation.ts';

const page = readFileSync('docs/simulate.md', 'utf8');

function block(name: string): string[] {
  return new RegExp(`^\`\`\`${name}\n(.*?)\n\`\`\``, 'ms').exec(page)![1]!.split('\n');
}

test('the worked example of docs/simulate.md comes out as it is told', async () => {
  const simulation = new Simulation();
  for (const rule of block('rules')) await applyRule(simulation.director, rule);
  const told: string[] = [];
  for (const line of block('events')) {
    const event = parseEvent(line);
    told.push(echo(event, await play(simulation, event)));
  }
  expect(told).toEqual(block('decisions'));
});
