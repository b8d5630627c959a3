import { describe, expect, test } from 'vitest';
import type { Feature, InterfaceFacts } from '../../ts/doctor/facts.ts';
import type { Finding } from '../../ts/doctor/finding.ts';
import { checkInterfaces } from '../../ts/doctor/interface_checks.ts';
import { goodFacts, goodInterface } from './facts.ts';

const check = (change: Partial<InterfaceFacts>) =>
  checkInterfaces({ ...goodFacts, interfaces: [{ ...goodInterface, ...change }] }).filter(
    ({ level }) => level !== 'ok',
  );
const on = (name: string, fixed = false): ReadonlyMap<string, Feature> =>
  new Map([[name, { on: true, fixed }]]);

test('a good interface has nothing but ok', () => {
  expect(check({})).toEqual([]);
});

test('an interface that is down is not judged, but one must be up', () => {
  expect(check({ up: false })).toMatchObject([{ level: 'warning', subject: 'interfaces' }]);
});

describe('a warning says the command that ends it', () => {
  test.each<[string, Partial<InterfaceFacts>, string]>([
    ['a large MTU', { mtu: 9000, features: new Map() }, 'ip link set eth0 mtu 3498'],
    ['LRO', { features: on('large-receive-offload') }, 'ethtool -K eth0 lro off'],
    ['hardware GRO', { features: on('rx-gro-hw') }, 'ethtool -K eth0 rx-gro-hw off'],
    ['too many queues', { receiveQueues: 128 }, 'ethtool -L eth0 combined 64'],
    ['no forwarding', { ipv4Forwarding: 0 }, 'sysctl -w net.ipv4.ip_forward=1'],
    [
      'no forwarding of IPv6',
      { addresses: ['2001:db8::1/64'], ipv6Forwarding: 0 },
      'sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1',
    ],
  ])('%s', (_name, change, advice) => {
    expect(check(change)).toMatchObject([{ level: 'warning', subject: 'eth0', advice }]);
  });
});

test.each([
  ['ixgbe', 'by XDP_TX where they came from', true],
  ['virtio_net', 'forwards by redirect: ', true],
  ['veth', 'forwards by redirect: ', false],
])('how packets leave by %s, and whether that was ever measured', (driver, how, unmeasured) => {
  const change = { ...goodInterface, driver };
  const [{ found }] = checkInterfaces({ ...goodFacts, interfaces: [change] }) as [Finding];
  expect(found).toContain(how);
  expect(found.includes('not measured with it')).toBe(unmeasured);
});

test('jumbo frames are native where the driver gives them in several buffers', () => {
  expect(check({ driver: 'mlx5_core', mtu: 9000 })).toEqual([]);
  expect(check({ driver: 'ixgbe', mtu: 9000, features: new Map() })).toHaveLength(1);
});

test('link-local addresses alone need no IPv6 forwarding', () => {
  expect(check({ addresses: ['192.0.2.1/24', 'fe80::1/64'], ipv6Forwarding: 0 })).toEqual([]);
});

test('an offload that cannot be turned off is noted without advice', () => {
  const [finding, ...others] = check({ driver: 'virtio_net', features: on('rx-gro-hw', true) });
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ level: 'note' });
  expect(finding).not.toHaveProperty('advice');
});

test('GRO matters where XDP is generic, and nowhere else', () => {
  expect(check({ driver: 'e1000' })).toMatchObject([
    { level: 'note', found: expect.stringContaining('driver e1000 has no XDP') },
    { level: 'warning', advice: 'ethtool -K eth0 gro off' },
  ]);
});

test('the other end of a veth pair cannot be seen, and what it needs is said', () => {
  expect(check({ driver: 'veth', kind: 'veth' })).toMatchObject([
    { level: 'note', advice: expect.stringContaining('ethtool -K <peer> tx off gro on') },
  ]);
});

test('another XDP program is warned of, our own is not', () => {
  expect(check({ xdpProgram: 'xdp_filter' })).toMatchObject([{ level: 'warning' }]);
  expect(check({ xdpProgram: 'xlvs_director' })).toEqual([]);
});

test.each<[string, Partial<InterfaceFacts>]>([
  ['strict rp_filter', { rpFilter: 1 }],
  ['arp_ignore', { arpIgnore: 1 }],
  ['no address', { addresses: [] }],
])('%s is noted', (_name, change) => {
  expect(check(change)).toMatchObject([{ level: 'note', subject: 'eth0' }]);
});
