import { expect, test } from 'vitest';
import { packetLine } from '../../ts/cli/capture.ts';
import { eth } from '../support/packet.ts';

test('a frame is one line: time, interface, five-tuple, flags, length, what became of it', () => {
  const bytes = eth().ip4('198.51.100.7', '192.0.2.1').tcp(40_000, 80, 'S').bytes();
  const packet = {
    interfaceId: 0,
    timeNs: BigInt(new Date(2026, 0, 2, 3, 4, 5).getTime()) * 1_000_000n + 6_007n,
    length: 1514,
    bytes,
    direction: 'inbound',
    comment: 'received: raised_new',
    packetId: 0,
  } as const;
  const told = '198.51.100.7:40000 > 192.0.2.1:80 tcp [S] length 1514 received: raised_new';
  expect(packetLine(packet, 'eth0')).toBe(`03:04:05.000006007 eth0 ${told}\n`);
});
