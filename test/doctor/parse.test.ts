import { expect, test } from 'vitest';
import { effectiveCapabilities, missingCapabilities } from '../../ts/doctor/capabilities.ts';
import { findingsTable } from '../../ts/doctor/finding.ts';
import { gatherFacts } from '../../ts/doctor/gather.ts';
import {
  parseFeatures,
  parseKernelConfig,
  parseLinks,
  parseMemlock,
} from '../../ts/doctor/parse.ts';

test('capabilities are the bits of CapEff', () => {
  const all = effectiveCapabilities('CapPrm:\t0\nCapEff:\t000001ffffffffff\nCapBnd:\t0\n');
  expect(all).toHaveLength(6);
  expect(effectiveCapabilities('CapEff:\t0000000000003000\n')).toEqual([
    'CAP_NET_ADMIN',
    'CAP_NET_RAW',
  ]);
  expect(effectiveCapabilities('')).toEqual([]);
});

test('CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON, not for the network', () => {
  expect(missingCapabilities(['CAP_SYS_ADMIN'])).toEqual(['CAP_NET_ADMIN', 'CAP_NET_RAW']);
  expect(missingCapabilities(['CAP_NET_ADMIN', 'CAP_NET_RAW'])).toEqual(['CAP_BPF', 'CAP_PERFMON']);
});

test('a kernel configuration names what is set', () => {
  const config = parseKernelConfig('CONFIG_HZ=250\n# CONFIG_XDP_SOCKETS is not set\n');
  expect([...config]).toEqual([['CONFIG_HZ', '250']]);
});

test('features of ethtool -k, indented ones too', () => {
  const text = 'Features for eth0:\ntx-checksumming: on\n\ttx-checksum-ipv4: off [fixed]\n';
  expect([...parseFeatures(text)]).toEqual([
    ['tx-checksumming', { on: true, fixed: false }],
    ['tx-checksum-ipv4', { on: false, fixed: true }],
  ]);
});

test('the memory lock limit is the soft one', () => {
  expect(parseMemlock('Max locked memory         65536     8388608     bytes\n')).toBe(65536);
  expect(parseMemlock('Max locked memory         unlimited unlimited   bytes\n')).toBe(Infinity);
});

test('only Ethernet interfaces count', () => {
  const link = (ifname: string, link_type: string) => ({ ifname, link_type, addr_info: [] });
  const text = JSON.stringify([link('lo', 'loopback'), link('eth0', 'ether'), link('wg0', 'none')]);
  expect(parseLinks(text).map(({ ifname }) => ifname)).toEqual(['eth0']);
  expect(parseLinks('')).toEqual([]);
});

test('advice stands under what was found', () => {
  const table = findingsTable([
    { level: 'ok', subject: 'kernel', found: '6.1' },
    { level: 'warning', subject: 'eth0', found: 'LRO', advice: 'turn it off' },
  ]);
  expect(table).toBe('ok       kernel 6.1\nwarning  eth0   LRO\n                -> turn it off\n');
});

test('facts of this machine can be gathered with and without privileges', () => {
  const facts = gatherFacts();
  expect(facts.kernel.release).toMatch(/^\d+\.\d+/);
  expect(facts.process.memlockBytes).toBeGreaterThan(0);
});
