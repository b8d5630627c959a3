import { expect, test } from 'vitest';
import { statisticsText, statusText } from '../../ts/cli/status.ts';

test('verdicts that were reached come first, by name', () => {
  const text = statisticsText({ verdicts: { to_kernel: '12', bad_checksum: '0', forward: '7' } });
  expect(text).toBe('forward      7\nto_kernel    12\nbad_checksum 0\n');
});

test('the status has a line for each interface', () => {
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
    '',
  ]);
});
