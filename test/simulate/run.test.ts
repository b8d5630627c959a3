import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Comparison } from '../../ts/simulate/comparison.ts';
import { applyRule, loadRules } from '../../ts/simulate/rules.ts';
import { EVERY_EVENT, type Report, run } from '../../ts/simulate/run.ts';
import { Simulation } from '../../ts/simulate/simulation.ts';
import { eventsOf } from '../../ts/simulate/source.ts';
import { Summary } from '../../ts/simulate/summary.ts';

const directory = mkdtempSync(join(tmpdir(), 'xlvs-simulate-'));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, lines: readonly string[]): string {
  const path = join(directory, name);
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  return path;
}

const SERVICE = '-t 10.99.0.1:80';
const RULES = [
  `-A ${SERVICE} -s rr`,
  `-a ${SERVICE} -r 10.2.0.11:80 -m -w 1`,
  `-a ${SERVICE} -r 10.2.0.12:80 -m -w 1`,
  `-a ${SERVICE} -r 10.2.0.13:80 -m -w 1 -x 2 -y 1`,
];

async function simulationOf(rules: readonly string[]): Promise<Simulation> {
  const simulation = new Simulation();
  for (const rule of rules) {
    expect(await applyRule(simulation.director, rule)).toEqual({ status: 0, stderr: '' });
  }
  return simulation;
}

const flow = (sport: number, src = '172.16.0.1') => ({
  proto: 'tcp',
  src,
  sport,
  dst: '10.99.0.1',
  dport: 80,
});
const connect = (sport: number, src?: string) => ({ op: 'connect', ...flow(sport, src) });

/** What is told of events: lines of JSON, or text. */
async function tell(
  events: readonly object[],
  simulation: Simulation,
  report: Report = EVERY_EVENT,
): Promise<string> {
  const path = file(
    'events',
    events.map((event) => JSON.stringify(event)),
  );
  let told = '';
  const write = async (text: string) => {
    told += text;
  };
  await run(
    simulation,
    eventsOf(path, () => simulation.nowUs),
    report,
    write,
  );
  return told;
}

/** What was added to each event. */
async function outcomes(events: readonly object[], simulation: Simulation): Promise<unknown[]> {
  const lines = (await tell(events, simulation)).trimEnd().split('\n');
  return lines.map((line, i) => {
    const told = Object.entries(JSON.parse(line) as object);
    return Object.fromEntries(told.filter(([name]) => !(name in events[i]!)));
  });
}

test('each event is told with what came of it', async () => {
  const simulation = await simulationOf(RULES);
  const list = { op: 'list' };
  const edit = { op: 'rule', args: `-e ${SERVICE} -r 10.2.0.12:80 -m -w 0` };
  const events = [
    { ...connect(1), t: 0.5, mark: 1, iif: 'eth0' },
    connect(2),
    { op: 'close', ...flow(1) },
    { op: 'reset', ...flow(2) },
    { op: 'packet', dir: 'in', flags: 'S', ...flow(3) },
    { op: 'packet', dir: 'out', flags: 'SA', ...flow(3) },
    edit,
    list,
    { op: 'advance', seconds: 10 },
    { op: 'advance', seconds: 110 },
    list,
  ];
  const removed = { weight: 1, active: 0, inactive: 0 };
  expect(await outcomes(events, simulation)).toEqual([
    { chose: '10.2.0.13:80' },
    { chose: '10.2.0.12:80' },
    { state: 'TIME_WAIT' },
    { state: 'CLOSE' },
    { chose: '10.2.0.11:80', state: 'SYN_RECV', expires: 60 },
    { state: 'SYN_RECV', expires: 60 },
    { status: 0, stderr: '' },
    {
      destinations: {
        '10.2.0.13:80': { weight: 1, active: 0, inactive: 1 },
        '10.2.0.12:80': { weight: 0, active: 0, inactive: 1 },
        '10.2.0.11:80': { weight: 1, active: 1, inactive: 0 },
      },
    },
    { expired: { connections: 1 } },
    { expired: { connections: 2 } },
    {
      destinations: {
        '10.2.0.13:80': removed,
        '10.2.0.12:80': { ...removed, weight: 0 },
        '10.2.0.11:80': removed,
      },
    },
  ]);
});

test('the service of a mark comes before that of an address', async () => {
  const rules = [
    ...RULES.slice(0, 2),
    ...['-A -f 7 -s rr', '-a -f 7 -r 10.2.0.13:0 -m', '-a -f 7 -r 10.2.0.14:8080 -m'],
  ];
  const events = [
    { ...connect(1), mark: 7 },
    { ...connect(2), mark: 7, dst: '10.98.0.1', dport: 443 },
    { ...connect(3), mark: 8 },
    connect(4),
  ];
  expect(await outcomes(events, await simulationOf(rules))).toEqual([
    { chose: '10.2.0.14:8080' },
    { chose: '10.2.0.13:0' },
    { chose: '10.2.0.11:80' },
    { chose: '10.2.0.11:80' },
  ]);
});

test('what reaches no destination is told with the reason', async () => {
  const simulation = await simulationOf(RULES.slice(0, 2));
  const rule = (args: string) => ({ op: 'rule', args });
  const events = [
    { ...connect(1), dport: 81 },
    { op: 'close', ...flow(1) },
    { op: 'packet', dir: 'in', flags: 'A', ...flow(1) },
    connect(1),
    rule(`-d ${SERVICE} -r 10.2.0.11:80`),
    connect(1),
    connect(2),
    rule(`-a ${SERVICE} -r 10.2.0.11:80`),
    { op: 'packet', dir: 'out', flags: 'A', ...flow(1) },
    connect(3),
    { op: 'packet', dir: 'out', flags: 'SA', ...flow(3) },
    rule(`-d ${SERVICE} -r 10.2.0.99:80`),
    rule('-A -u 10.99.0.9:53 -o'),
  ];
  expect(await outcomes(events, simulation)).toEqual([
    { chose: null, reason: 'no such service' },
    { state: null, reason: 'no connection' },
    { state: null, reason: 'no connection' },
    { chose: '10.2.0.11:80' },
    { status: 0, stderr: '' },
    { chose: null, reason: 'the destination was removed' },
    { chose: null, reason: 'no destination available' },
    { status: 0, stderr: '' },
    { state: 'ESTABLISHED', expires: 900 },
    { chose: '10.2.0.11:80' },
    { state: 'ESTABLISHED', expires: 900, reason: 'replies do not come by' },
    { status: 255, stderr: 'No such destination\n' },
    { status: 2, stderr: 'xlvs: --ops is not supported yet\n' },
  ]);
});

test('a destination is overloaded from its upper threshold on, down to its lower one', async () => {
  const simulation = await simulationOf(RULES);
  const connects = [1, 2, 3, 4, 5, 6, 7].map((port) => connect(port));
  const chosen = await outcomes(connects, simulation);
  const last = chosen.map((outcome) => (outcome as { chose: string }).chose.at(-4));
  expect(last.join('')).toBe('3213212');
});

test('a mistake stops the run: what came before is told, and its line', async () => {
  const simulation = await simulationOf(RULES);
  const mistakes: [object, RegExp][] = [
    [{ op: 'jump' }, /expected connect, .* for op, received "jump"$/],
    [{ ...connect(1), proto: 'icmp' }, /expected tcp or udp for proto, received "icmp"$/],
    [{ ...connect(1), src: '172.16.0.256' }, /expected an IP address for src, received "172/],
    [{ ...connect(1), src: '2001:db8::1' }, /expected an IPv4 address for src/],
    [{ ...connect(1), sport: 65_536 }, /expected 0 to 65535 for sport, received 65536$/],
    [{ ...connect(1), mark: -1 }, /for mark, received -1$/],
    [{ op: 'packet', dir: 'up', ...flow(1) }, /expected in or out for dir/],
    [{ op: 'packet', dir: 'in', flags: 'X', ...flow(1) }, /letters of .* for flags/],
    [{ op: 'advance' }, /seconds for seconds, received undefined$/],
    [{ op: 'rule' }, /expected a string for args/],
    [{ op: 'list', t: 1 }, /expected 5 or later for t, received 1$/],
    [[], /expected a JSON object, received \[\]$/],
  ];
  for (const [mistake, message] of mistakes) {
    const path = join(directory, 'events');
    const told = tell([{ op: 'advance', seconds: 5 }, mistake], await simulationOf(RULES));
    await expect(told).rejects.toThrow(message);
    await expect(told).rejects.toThrow(`${path}:2: `);
  }
  const path = file('broken', ['{"op":"list"}', '', '{"op":']);
  const lines: string[] = [];
  const write = async (text: string) => {
    lines.push(text);
  };
  const source = eventsOf(path, () => simulation.nowUs);
  await expect(run(simulation, source, EVERY_EVENT, write)).rejects.toThrow(`${path}:3: expected`);
  expect(lines.join('')).toMatch(/^{"op":"list","destinations":.*}\n$/);
});

test('a rule file is read like that of ipvsadm -R, up to a mistake', async () => {
  const director = new Simulation().director;
  await loadRules(director, file('rules', ['', ...RULES]));
  expect(director.services[0]!.destinations).toHaveLength(3);
  const twice = file('rules', [...RULES, RULES[0]!]);
  await expect(loadRules(new Simulation().director, twice)).rejects.toThrow(
    `${twice}:5: Service already exists`,
  );
});

test('a summary says who got how many, and how even that is', async () => {
  const simulation = await simulationOf(RULES);
  const connects = [1, 2, 3, 4].map((port) => connect(port, `172.16.0.${1 + (port % 2)}`));
  const summary = await tell(connects, simulation, new Summary(simulation.director));
  expect(summary).toBe(`tcp 10.99.0.1:80 rr
  4 connections of 2 clients, and 0 refused
  destination   weight  connections   share  by weight
  10.2.0.11:80       1            1  25.0 %     33.3 %
  10.2.0.12:80       1            1  25.0 %     33.3 %
  10.2.0.13:80       1            2  50.0 %     33.3 %
  imbalance: 10.2.0.13:80 has 1.500 times what its weight is due
  2 of 2 connections moved: their client had another destination before
    10.2.0.13:80 -> 10.2.0.11:80  1
    10.2.0.12:80 -> 10.2.0.13:80  1
`);
});

test('a comparison names the connections that other rules would give to others', async () => {
  const hashed = RULES.map((rule) => rule.replace('-s rr', '-s sh').replace(/ -x.*/, ''));
  const fewer = hashed.toSpliced(1, 1);
  const connects = Array.from({ length: 100 }, (_, i) => connect(1000, `172.16.0.${i}`));
  const simulation = await simulationOf(hashed);
  const told = await tell(connects, simulation, new Comparison(await simulationOf(fewer), false));
  const lines = told.trimEnd().split('\n');
  expect(lines.length).toBeGreaterThan(30);
  for (const line of lines) {
    const { chose, instead } = JSON.parse(line) as Record<'chose' | 'instead', string>;
    expect(chose).not.toBe(instead);
    expect(instead).not.toBe('10.2.0.11:80');
  }
  const again = new Comparison(await simulationOf(fewer), true);
  expect(await tell(connects, await simulationOf(hashed), again)).toMatch(
    new RegExp(`^${lines.length} of 100 connections, by ${lines.length} of 100 clients, get`),
  );
});
