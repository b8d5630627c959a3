import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frameText } from '../../ts/net/frame.ts';
import { eth, fragment, hopByHop, PROTOCOL } from '../support/packet.ts';

const four = () => eth().ip4('198.51.100.7', '192.0.2.1');
const six = (...extensions: ReturnType<typeof hopByHop>[]) =>
  eth().ip6('2001:db8::7', '2001:db8::1', { extensions });
const later = fragment({ offset: 1480 });

test.each([
  ['198.51.100.7:40000 > 192.0.2.1:80 tcp [S]', four().tcp(40_000, 80, 'S')],
  ['198.51.100.7:40000 > 192.0.2.1:80 tcp [FP.]', four().tcp(40_000, 80, 'FPA')],
  ['198.51.100.7:40000 > 192.0.2.1:80 tcp [none]', four().tcp(40_000, 80, '')],
  ['198.51.100.7:53 > 192.0.2.1:5353 udp', four().vlan(1).vlan(2).udp(53, 5353)],
  ['[2001:db8::7]:53 > [2001:db8::1]:5353 udp', six(hopByHop(), fragment()).udp(53, 5353)],
  ['2001:db8::7 > 2001:db8::1 udp fragment', six(later).payload(PROTOCOL.udp, new Uint8Array(8))],
  ['198.51.100.7 > 192.0.2.1 icmp', four().icmp()],
  ['2001:db8::7 > 2001:db8::1 icmp6', six().icmp()],
  ['198.51.100.7 > 192.0.2.1 protocol 47', four().payload(PROTOCOL.gre, new Uint8Array(4))],
  ['arp', eth().arp('192.0.2.1', '192.0.2.2')],
])('%s', (text, frame) => {
  expect(frameText(frame.bytes())).toBe(text);
});

test('a later fragment has no ports', () => {
  const frame = eth().ip4('198.51.100.7', '192.0.2.1', { offset: 1480 }).udp(1, 2);
  expect(frameText(frame.bytes())).toBe('198.51.100.7 > 192.0.2.1 udp fragment');
});

test('another ether type is told by its number', () => {
  const bytes = new Uint8Array(60);
  bytes.set([0x88, 0xcc], 12);
  expect(frameText(bytes)).toBe('ethertype 0x88cc');
});

test('a frame that ends in its headers is said to, whatever stands behind it in memory', () => {
  const bytes = six(hopByHop()).tcp(1, 2, 'S').bytes();
  for (let length = 0; length < bytes.length - 6; length++) {
    expect(frameText(bytes.subarray(0, length))).toBe('cut short');
  }
});

test('any bytes are some text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      expect(frameText(bytes)).not.toBe('');
    }),
  );
});
