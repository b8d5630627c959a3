import { destinationOptions, fragment, hopByHop, PROTOCOL } from '../support/packet.ts';
import {
  arriving,
  connection,
  type PacketCase,
  type Variation,
  type VerdictName,
  WAYS,
  type Way,
  wayText,
} from './case.ts';

/** A packet of an established connection that ends at the director. */
function refused(name: string, verdict: VerdictName, way: Way, vary: Variation = {}): PacketCase {
  const frame = arriving(way, vary).bytes();
  return { name: `${name}: ${wayText(way)}`, connection: connection(way), frame, verdict };
}

/** For what does not depend on the rest of the way. */
const TCP4: Way = { family: 4, protocol: 'tcp', method: 'masq', direction: 'in' };
const TCP6: Way = { ...TCP4, family: 6 };
const UDP4: Way = { ...TCP4, protocol: 'udp' };

const WAYS4 = WAYS.filter(({ family }) => family === 4);
const WAYS6 = WAYS.filter(({ family }) => family === 6);
const WAYS_IN = WAYS.filter(({ direction }) => direction === 'in');

const headers4: readonly PacketCase[] = [
  ...WAYS4.map((way) =>
    refused('wrong header checksum', 'dropped_header_checksum', way, { ip4: { checksumError: 1 } }),
  ),
  ...WAYS4.map((way) =>
    refused('wrong header checksum with options', 'dropped_header_checksum', way, {
      ip4: { options: [1, 1, 1, 0], checksumError: 0x100 },
    }),
  ),
  refused('version 6', 'passed_malformed', TCP4, { ip4: { version: 6 } }),
  refused('header of 0 words', 'passed_malformed', TCP4, { ip4: { ihl: 0 } }),
  refused('header of 4 words', 'passed_malformed', TCP4, { ip4: { ihl: 4 } }),
  refused('header longer than the packet', 'passed_malformed', TCP4, { ip4: { ihl: 15 } }),
  refused('total length less than the header', 'passed_malformed', TCP4, { ip4: { length: 19 } }),
  refused('total length beyond the frame', 'passed_malformed', TCP4, { ip4: { length: 46 } }),
];

const icmp = { protocol: PROTOCOL.icmp6, bytes: new Array<number>(8).fill(0) };

const headers6: readonly PacketCase[] = [
  refused('version 4', 'passed_malformed', TCP6, { ip6: { version: 4 } }),
  refused('payload length beyond the frame', 'passed_malformed', TCP6, { ip6: { length: 26 } }),
  refused('payload length 0', 'passed_malformed', TCP6, { ip6: { length: 0 } }),
  // As a jumbogram has it, RFC 2675.
  refused('payload length 0 before extension headers', 'passed_malformed', TCP6, {
    ip6: { length: 0, extensions: [hopByHop()] },
  }),
  refused('extension header beyond the frame', 'passed_malformed', TCP6, {
    ip6: {
      extensions: [{ protocol: PROTOCOL.destinationOptions, bytes: [0, 40, 0, 0, 0, 0, 0, 0] }],
    },
  }),
  // The first one is within the packet, the second in what the link has put behind it.
  refused('ICMP after a header behind the packet', 'passed_malformed', TCP6, {
    ip6: { length: 8, extensions: [hopByHop(), destinationOptions(8), icmp] },
  }),
  refused('seven extension headers', 'passed_other_protocol', TCP6, {
    ip6: { extensions: new Array(7).fill(destinationOptions(8)) },
  }),
  refused('headers of more than 1024 bytes', 'passed_other_protocol', TCP6, {
    ip6: { extensions: [destinationOptions(1024)] },
  }),
];

/** The packet ends within its transport header; the rest of that is Ethernet's padding. */
const headerInPadding: readonly PacketCase[] = [TCP4, UDP4, TCP6].flatMap((way) =>
  Array.from({ length: way.protocol === 'tcp' ? 20 : 8 }, (_, inside) =>
    refused(`${inside} bytes of transport header before the padding`, 'passed_malformed', way, {
      ip4: { length: 20 + inside },
      ip6: { length: inside },
    }),
  ),
);

const lastHop: readonly PacketCase[] = [0, 1].flatMap((ttl) =>
  WAYS.map((way) => {
    const verdict = way.direction === 'in' ? 'raised_ttl' : 'passed_reply_ttl';
    return refused(`TTL ${ttl}`, verdict, way, { ttl });
  }),
);

const fragments: readonly PacketCase[] = [
  ...WAYS4.flatMap((way) => [
    refused('first fragment', 'dropped_fragment', way, { ip4: { mf: true } }),
    refused('middle fragment', 'passed_fragment', way, { ip4: { mf: true, offset: 1480 } }),
    refused('last fragment', 'passed_fragment', way, { ip4: { offset: 65528 } }),
  ]),
  ...WAYS6.flatMap((way) => [
    refused('first fragment', 'dropped_fragment', way, {
      ip6: { extensions: [fragment({ more: true })] },
    }),
    refused('later fragment', 'passed_fragment', way, {
      ip6: { extensions: [hopByHop(), fragment({ offset: 8 })] },
    }),
  ]),
];

const nextHops: readonly PacketCase[] = [
  ...WAYS.map((way) => ({
    ...refused('one byte longer than the next link takes', 'raised_mtu', way),
    connection: connection(way, { mtu: arriving(way).packetBytes - 1 }),
  })),
  ...WAYS_IN.map((way) => ({
    ...refused('removed destination', 'dropped_destination_removed', way),
    connection: connection(way, { removed: true }),
  })),
  // XDP asks the kernel's routing tables, which lead nobody to another host's own addresses.
  ...WAYS_IN.map((way) => ({
    ...refused('next hop that holds no longer', 'raised_route', way),
    connection: connection(way, {
      server: { address: way.family === 4 ? '127.0.0.1' : '::1', port: 80 },
      staleRoutes: true,
    }),
  })),
];

/** Packets with a connection that go no further, or to the slow path. */
export const REFUSED: readonly PacketCase[] = [
  ...headers4,
  ...headers6,
  ...headerInPadding,
  ...lastHop,
  ...fragments,
  ...nextHops,
];
