import { expect, test } from 'vitest';
import { startedLine } from '../../ts/daemon/summary.ts';

const fresh = {
  programId: 123,
  adopted: false,
  migrated: false,
  interfaces: [
    { name: 'eth0', mode: 'native' as const },
    { name: 'eth1', mode: 'generic' as const },
  ],
  connections: 0,
  services: 0,
  destinations: 0,
  refusals: [],
};

test('a start says where the program is', () => {
  expect(startedLine(fresh)).toBe('director started: program 123 on eth0 (native), eth1 (generic)');
  expect(startedLine({ ...fresh, interfaces: [] })).toBe(
    'director started: program 123, no interface is up yet',
  );
});

test('a start that adopts says what it found', () => {
  const adopted = { ...fresh, adopted: true, connections: 1, services: 3, destinations: 6 };
  expect(startedLine({ ...adopted, interfaces: [fresh.interfaces[0]!] })).toBe(
    'director started: adopted program 123 on eth0 (native); found 1 connection, ' +
      '9 rules (3 services, 6 destinations)',
  );
});

test('rules that came back without connections are told', () => {
  expect(startedLine({ ...fresh, services: 1, destinations: 1 })).toBe(
    'director started: program 123 on eth0 (native), eth1 (generic); ' +
      'found 2 rules (1 service, 1 destination)',
  );
});

test('an interface that was left out is told with the reason', () => {
  expect(startedLine({ ...fresh, refusals: ['cannot attach to eth2: EBUSY'] })).toMatch(
    /; cannot attach to eth2: EBUSY$/,
  );
});
