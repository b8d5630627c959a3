import { expect, test } from 'vitest';
import {
  CONNECTION_STATES,
  DEFAULT_TIMEOUTS,
  isActive,
  stateTimeoutsS,
} from '../../ts/lvs/connection.ts';

test('the timeouts of a new director are those of LVS', () => {
  expect(stateTimeoutsS(DEFAULT_TIMEOUTS)).toEqual([
    2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120, 300, 0, 300,
  ]);
});

test('--set changes the timeouts of ESTABLISHED, FIN_WAIT and UDP only', () => {
  const set = stateTimeoutsS({ tcpS: 1, tcpFinS: 3, udpS: 5 });
  const changed = CONNECTION_STATES.filter(
    (_, state) => set[state] !== stateTimeoutsS(DEFAULT_TIMEOUTS)[state],
  );
  expect(changed).toEqual(['ESTABLISHED', 'FIN_WAIT', 'UDP', 'UDP_UNANSWERED']);
});

test('connections count as active while they open and while they are established', () => {
  expect(CONNECTION_STATES.filter(isActive)).toEqual([
    'ESTABLISHED',
    'SYN_SENT',
    'SYN_RECV',
    'SYNACK',
  ]);
});
