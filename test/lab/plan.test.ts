import { describe, expect, test } from 'vitest';
import { examples } from '../../ts/lab/examples.ts';
import { buildSteps } from '../../ts/lab/plan.ts';
import { s197, topologies } from '../../ts/lab/topologies.ts';
import { linksOf } from '../../ts/lab/topology.ts';

describe('the plan of a lab', () => {
  const steps = buildSteps(s197, (role) => `lab-${role}`);
  const lines = steps.map(({ argv, input = '' }) => `${argv.join(' ')}\n${input}`);

  test('offloads are switched when every interface is up, or XDP would lose frames', () => {
    const lastUp = lines.findLastIndex((line) => line.includes(' up'));
    const firstOffload = lines.findIndex((line) => line.includes('ethtool'));
    expect(firstOffload).toBeGreaterThan(lastUp);
  });

  test("every end but the director's own gets tx off and gro on", () => {
    const offloads = lines.filter((line) => line.includes('ethtool')).join('');
    expect(offloads.match(/tx off gro on/g)).toHaveLength(2 * linksOf(s197).length - 1);
    expect(offloads).not.toContain('lab-director');
  });

  test('a real server hides its VIP before it has it', () => {
    const hidden = lines.findIndex(
      (line) => line.includes('lab-rs1') && line.includes('arp_ignore'),
    );
    const added = lines.findIndex((line) => line.includes('172.16.100.8/32 dev lo'));
    expect(hidden).toBeGreaterThanOrEqual(0);
    expect(hidden).toBeLessThan(added);
  });

  test('names of interfaces fit into the kernel', () => {
    for (const { host, link } of topologies.flatMap(linksOf)) {
      expect(`${host.role}-${link.device}`.length).toBeLessThanOrEqual(15);
    }
  });
});

describe('what a worked example expects', () => {
  const [s195] = examples;
  const [, second] = examples;
  const expected = s195!.stages[0]!.expected;

  test('the wlc formula for weights 1 and 3 has one order only', () => {
    const order = ['RS2', 'RS1', 'RS2', 'RS2', 'RS2', 'RS1', 'RS2', 'RS2', 'RS2', 'RS1'];
    expect(expected.holds(order)).toBe(true);
    expect(expected.holds([...order].reverse())).toBe(false);
  });

  test('alternation needs both servers, and no server twice in a row', () => {
    const { holds } = second!.stages[0]!.expected;
    expect(holds(['RS2', 'RS1', 'RS2'])).toBe(true);
    expect(holds(['RS2', 'RS1', 'RS1'])).toBe(false);
    expect(holds(['RS2', 'RS2', 'RS2'])).toBe(false);
  });
});

describe('a cable', () => {
  test('is one veth pair between its two hosts, and no bridge', () => {
    const end = (role: string, lan: string) => ({
      role,
      links: [{ device: 'eth0', lan, addresses: [] }],
    });
    const hosts = [end('client', 'wire'), end('director', 'wire')];
    const topology = { name: 'x', title: '', drawing: '', hosts, cables: ['wire'] };
    const lines = buildSteps(topology, (role) => `lab-${role}`).map(({ input = '' }) => input);
    const [client, director] = hosts.map(({ role }) => `name eth0 netns lab-${role} mtu 1500`);
    expect(lines).toContain(`link add ${client} type veth peer ${director}\n`);
    expect(lines.join('')).not.toContain('bridge');
  });
});
