import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { captureBytes, parseFilter } from '../../ts/dataplane/capture_filter.ts';
import { VERDICT_NAMES } from '../../ts/dataplane/encoding.ts';
import { loadAddon } from '../../ts/native/addon.ts';
import { eth, type Frame, fragment, hopByHop, PROTOCOL } from '../support/packet.ts';

/** The filter as XDP evaluates it, compiled by g++. */
const director = new (loadAddon().MemoryDirector)();

function isCaptured(filter: string, frame: Frame, verdict = 'forwarded_in'): boolean {
  const wanted = captureBytes(parseFilter(filter), 256);
  return director.isCaptured(wanted, frame.bytes(), VERDICT_NAMES.indexOf(verdict));
}

const syn = eth().ip4('198.51.100.7', '192.0.2.1').tcp(40_000, 80, 'S');
const query = eth().vlan(10).vlan(20).ip6('2001:db8::7', '2001:db8:1::1').udp(53, 5353);

describe('a frame', () => {
  const wanted: readonly [filter: string, frame: Frame, verdict?: string][] = [
    ['', eth().arp('192.0.2.1', '192.0.2.2')],
    ['host 198.51.100.7', syn],
    ['dst 192.0.2.1', syn],
    ['src net 198.51.100.0/24', syn],
    ['net 0.0.0.0/0', syn],
    ['tcp port 80', syn],
    ['tcp dst port 80 and src port 40000', syn],
    ['!(udp || port 81) && host 192.0.2.1', syn],
    ['not ip6 and not host 192.0.2.2', syn],
    ['udp and net 2001:db8::/33 and dst port 5353', query],
    ['src 2001:db8::7', query],
    ['ip6 host 2001:DB8:1:0::1', query],
    ['verdict forwarded_in', syn],
    ['verdict dropped', syn, 'dropped_ttl'],
    ['tcp and not verdict forwarded', syn, 'raised_new'],
    ['icmp and host 192.0.2.1', eth().ip4('192.0.2.1', '192.0.2.2').icmp()],
    [
      'icmp6',
      eth()
        .ip6('2001:db8::1', '2001:db8::2', { extensions: [hopByHop()] })
        .icmp(),
    ],
    ['udp and host 192.0.2.1', eth().ip4('192.0.2.1', '192.0.2.2', { offset: 1480 }).udp(1, 2)],
    ['sctp', eth().ip4('192.0.2.1', '192.0.2.2').payload(132, new Uint8Array(12))],
  ];
  test.each(wanted)('is wanted by: %s', (filter, frame, verdict) => {
    expect(isCaptured(filter, frame, verdict)).toBe(true);
  });

  const later = eth().ip6('2001:db8::1', '2001:db8::2', {
    extensions: [fragment({ offset: 1480 })],
  });
  test.each([
    ['port 53', later.payload(PROTOCOL.udp, Uint8Array.of(0, 53, 0, 53))],
    ['port 53', eth().ip4('192.0.2.1', '192.0.2.2', { offset: 1480 }).udp(53, 53)],
    ['src host 192.0.2.1', syn],
    ['dst port 40000', syn],
    ['net 198.51.100.8/30', syn],
    ['host 2001:db8::', eth().ip4('32.1.13.184', '192.0.2.1').udp(1, 2)],
    ['tcp and not tcp', syn],
    ['ip', eth().arp('192.0.2.1', '192.0.2.2')],
    ['verdict raised_new', syn],
    ['port 80', eth().ip4('192.0.2.1', '192.0.2.2').icmp()],
  ])('is not wanted by: %s', (filter, frame) => {
    expect(isCaptured(filter, frame)).toBe(false);
  });
});

describe('what a filter cannot say is refused', () => {
  test.each([
    ['vlan 10', 'expected host, net, port, src, dst,', 'received vlan'],
    ['tcp 80', 'expected and, or or the end', 'received 80'],
    ['tcp and', 'expected host', 'received nothing'],
    ['host www', 'expected an address', 'received www'],
    ['host', 'expected an address', 'received nothing'],
    ['net 10.0.0.0', 'expected an address / a prefix length', 'received 10.0.0.0'],
    ['net 10.0.0.0/33', 'expected an address / a prefix length', 'received 10.0.0.0/33'],
    ['net 10.0.0.1/8', 'expected a network without bits behind', 'received 10.0.0.1/8'],
    ['port http', 'expected a port, 1 to 65535', 'received http'],
    ['port 0', 'expected a port, 1 to 65535', 'received 0'],
    ['port 65536', 'expected a port, 1 to 65535', 'received 65536'],
    ['verdict lost', 'expected a verdict as xlvs stats names them', 'received lost'],
    ['(tcp', 'expected )', 'received nothing'],
    ['tcp)', 'expected and, or or the end', 'received )'],
  ])('%s', (filter, expected, received) => {
    expect(() => parseFilter(filter)).toThrow(expected);
    expect(() => parseFilter(filter)).toThrow(received);
  });

  test('more terms than there is room for', () => {
    const ports = Array.from({ length: 17 }, (_, port) => `port ${port + 1}`);
    expect(parseFilter(ports.slice(1).join(' or ')).alternatives).toHaveLength(16);
    expect(() => parseFilter(ports.join(' or '))).toThrow('expected at most 16 terms');
  });

  test('more combinations than there is room for', () => {
    const pair = (port: number) => `(src port ${port} or dst port ${port})`;
    const filter = (pairs: number) =>
      Array.from({ length: pairs }, (_, i) => pair(i + 1)).join(' and ');
    expect(parseFilter(filter(4)).alternatives).toHaveLength(16);
    expect(() => parseFilter(filter(5))).toThrow('expected fewer combinations');
  });
});

/** A filter as text, and what it means of a packet. */
interface Asked {
  readonly text: string;
  readonly means: (packet: Packet) => boolean;
}

interface Packet {
  readonly protocol: 'tcp' | 'udp';
  readonly source: string;
  readonly target: string;
  readonly sport: number;
  readonly dport: number;
  readonly verdict: string;
}

const addresses = ['192.0.2.1', '192.0.2.2', '198.51.100.1'];
const port = fc.integer({ min: 1, max: 3 });
const address = fc.constantFrom(...addresses);

const packets: fc.Arbitrary<Packet> = fc.record({
  protocol: fc.constantFrom('tcp', 'udp'),
  source: address,
  target: address,
  sport: port,
  dport: port,
  verdict: fc.constantFrom('forwarded_in', 'dropped_ttl'),
});

const primitive: fc.Arbitrary<Asked> = fc.oneof(
  fc.constantFrom('tcp', 'udp').map((name) => ({
    text: name,
    means: ({ protocol }: Packet) => protocol === name,
  })),
  fc.tuple(fc.constantFrom('src', 'dst', ''), address).map(([side, wanted]) => ({
    text: `${side} host ${wanted}`,
    means: ({ source, target }: Packet) =>
      (side !== 'dst' && source === wanted) || (side !== 'src' && target === wanted),
  })),
  fc.tuple(fc.constantFrom('src', 'dst', ''), port).map(([side, wanted]) => ({
    text: `${side} port ${wanted}`,
    means: ({ sport, dport }: Packet) =>
      (side !== 'dst' && sport === wanted) || (side !== 'src' && dport === wanted),
  })),
  fc.constantFrom('dropped', 'forwarded').map((kind) => ({
    text: `verdict ${kind}`,
    means: ({ verdict }: Packet) => verdict.startsWith(kind),
  })),
);

const { filter: filters } = fc.letrec<{ filter: Asked }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    primitive,
    tie('filter').map(({ text, means }) => ({
      text: `not (${text})`,
      means: (packet: Packet) => !means(packet),
    })),
    fc.tuple(tie('filter'), tie('filter')).map(([a, b]) => ({
      text: `(${a.text}) and (${b.text})`,
      means: (packet: Packet) => a.means(packet) && b.means(packet),
    })),
    fc.tuple(tie('filter'), tie('filter')).map(([a, b]) => ({
      text: `(${a.text}) or (${b.text})`,
      means: (packet: Packet) => a.means(packet) || b.means(packet),
    })),
  ),
}));

test('any filter wants exactly the packets that its words mean', () => {
  fc.assert(
    fc.property(filters, packets, ({ text, means }, packet) => {
      const { protocol, source, target, sport, dport, verdict } = packet;
      const network = eth().ip4(source, target);
      const frame = protocol === 'tcp' ? network.tcp(sport, dport, 'A') : network.udp(sport, dport);
      expect(isCaptured(text, frame, verdict)).toBe(means(packet));
    }),
    { numRuns: 2000 },
  );
});
