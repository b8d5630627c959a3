import { expect, test } from 'vitest';
import { statisticsText, statusText } from '../../ts/cli/status.ts';
import { service } from '../support/rules.ts';

const statistics = {
  verdicts: { passed_icmp: '9007199254740993', dropped_ttl: '0', forwarded_in: '7' },
  events: { counts_corrected: 2 },
};

test('what was counted is a table, by name', () => {
  expect(statisticsText(statistics)).toBe(
    [
      'COUNTER                    NUMBER',
      'counts_corrected                2',
      'forwarded_in                    7',
      'passed_icmp      9007199254740993',
      '',
    ].join('\n'),
  );
});

test('all counters are shown where they are asked for', () => {
  const names = statisticsText(statistics, { all: true }).match(/^[a-z]\S+/gm);
  expect(names).toEqual(['counts_corrected', 'dropped_ttl', 'forwarded_in', 'passed_icmp']);
});

test('as JSON, numbers keep every digit', () => {
  const text = statisticsText(statistics, { json: true });
  expect(Object.keys(JSON.parse(text))).toEqual([
    'counts_corrected',
    'forwarded_in',
    'passed_icmp',
  ]);
  expect(text).toContain('"passed_icmp": 9007199254740993');
  expect(JSON.parse(statisticsText({ verdicts: {}, events: {} }, { json: true }))).toEqual({});
});

test('the status has a line for each interface, and for each service scheduled ahead', () => {
  const text = statusText({
    pid: 7,
    netnsCookie: '4098',
    programId: 21,
    adopted: true,
    interfaces: [
      { name: 'eth0', ifindex: 2, mode: 'native', alone: true, queues: 4, zeroCopy: true },
      { name: 'veth1', ifindex: 3, mode: 'generic', alone: false, queues: 1, zeroCopy: false },
    ],
    services: 1,
    destinations: 3,
    connections: 1000,
    ahead: [{ ...service(), scheduler: 'wlc', tickets: 12, ageMs: 1.96 }],
    cramped: [{ ...service({ port: 81 }), scheduler: 'mh' }],
    failed: ['scheduler canary of tcp 192.0.2.1:82 was not loaded: wlc chooses in its place'],
  });
  expect(text.split('\n')).toEqual([
    'pid 7',
    'network namespace 4098',
    'program 21 (adopted)',
    'services 1',
    'destinations 3',
    'connections 1000',
    'interface eth0 (2): native, queues 4, zero-copy, no other XDP program',
    "interface veth1 (3): generic, queues 1, copy, shared by libxdp's dispatcher",
    'ahead tcp 192.0.2.1:80 wlc: tickets 12, counts up to 2.0 ms old',
    'no room tcp 192.0.2.1:81 mh: each connection is decided on by the slow path',
    'scheduler canary of tcp 192.0.2.1:82 was not loaded: wlc chooses in its place',
    '',
  ]);
});
