import { eth, PROTOCOL } from '../support/packet.ts';
import {
  arriving,
  CLIENT,
  connection,
  LINKS,
  type PacketCase,
  type Variation,
  type VerdictName,
  VIP,
  WAYS,
  type Way,
  wayText,
} from './case.ts';

/** A packet for which the flow table has no connection. */
function strange(name: string, verdict: VerdictName, way: Way, vary: Variation = {}): PacketCase {
  return { name: `${name}: ${wayText(way)}`, frame: arriving(way, vary).bytes(), verdict };
}

const IN = WAYS.filter(({ direction, method }) => direction === 'in' && method === 'masq');
const OUT = WAYS.filter(({ direction }) => direction === 'out');
const TCP_IN = IN.filter(({ protocol }) => protocol === 'tcp');
const UDP_IN = IN.filter(({ protocol }) => protocol === 'udp');
const TCP4 = TCP_IN.filter(({ family }) => family === 4);

/** Any segment with SYN and without RST opens a connection, any datagram does. */
const OPENING = ['S', 'SA', 'SF', 'SPU'];
const NOT_OPENING = ['', 'A', 'F', 'R', 'FA', 'RA', 'SR', 'SRA'];

const toServices: readonly PacketCase[] = [
  ...TCP_IN.flatMap((way) => [
    ...OPENING.map((flags) => strange(`new, ${flags}`, 'raised_new', way, { flags })),
    ...NOT_OPENING.map((flags) =>
      strange(`unknown, ${flags || 'no flags'}`, 'passed_not_syn', way, { flags }),
    ),
  ]),
  ...UDP_IN.map((way) => strange('new', 'raised_new', way)),
  // Its TTL is the connection's business.
  ...IN.map((way) => strange('new, TTL 1', 'raised_new', way, { flags: 'S', ttl: 1 })),
  // Before anything is scheduled, the packet has to be one.
  ...TCP4.flatMap((way) => [
    strange('new, wrong header checksum', 'dropped_header_checksum', way, {
      flags: 'S',
      ip4: { checksumError: 7 },
    }),
    strange('new, first fragment', 'dropped_fragment', way, { flags: 'S', ip4: { mf: true } }),
    strange('unknown, first fragment', 'passed_not_syn', way, { flags: 'A', ip4: { mf: true } }),
  ]),
];

/** What a switch floods here: the interface has another MAC address. */
const flooded: readonly PacketCase[] = [
  ...WAYS.map((way) => ({
    ...strange("another host's", 'passed_other_host', way),
    connection: connection(way),
    station: '02:00:00:00:00:12',
  })),
  ...IN.map((way) => ({
    ...strange("another host's, new", 'passed_other_host', way, { flags: 'S' }),
    station: '02:00:00:00:00:12',
  })),
];

const notOurs: readonly PacketCase[] = [
  ...OUT.map((way) => strange("a server's own", 'passed_not_ours', way, { flags: 'S' })),
  ...IN.map((way) => ({
    ...strange('no service', 'passed_not_ours', way, { flags: 'S' }),
    services: [],
  })),
  ...IN.map((way) => ({
    ...strange('service on another port', 'passed_not_ours', way, { flags: 'S' }),
    services: [{ ...way, ...VIP[way.family], port: 81 }],
  })),
  ...IN.map((way) => ({
    ...strange('service of the other protocol', 'passed_not_ours', way, { flags: 'S' }),
    services: [
      { ...way, ...VIP[way.family], protocol: way.protocol === 'tcp' ? 'udp' : 'tcp' } as const,
    ],
  })),
  // What comes to a virtual address is looked up, and so has to be a packet.
  ...TCP4.map((way) => ({
    ...strange('service on another port, wrong header checksum', 'dropped_header_checksum', way, {
      ip4: { checksumError: 7 },
    }),
    services: [{ ...way, ...VIP[way.family], port: 81 }],
  })),
  // Nobody else's header is checked: the kernel does that.
  ...TCP4.map((way) => ({
    ...strange('no service, wrong header checksum', 'passed_not_ours', way, {
      ip4: { checksumError: 7 },
    }),
    services: [],
  })),
];

/** Flows that lead to a slot which is not the connection's: as if they were not there. */
const staleFlows: readonly PacketCase[] = (['freed', 'taken'] as const).flatMap((slot) => [
  ...TCP_IN.flatMap((way) => [
    {
      ...strange(`slot ${slot}, A`, 'passed_not_syn', way),
      connection: connection(way, { slot }),
    },
    {
      ...strange(`slot ${slot}, S`, 'raised_new', way, { flags: 'S' }),
      connection: connection(way, { slot }),
    },
  ]),
  ...UDP_IN.map((way) => ({
    ...strange(`slot ${slot}`, 'raised_new', way),
    connection: connection(way, { slot }),
  })),
  ...OUT.map((way) => ({
    ...strange(`slot ${slot}`, 'passed_not_ours', way),
    connection: connection(way, { slot }),
  })),
]);

/** With direct routing the replies are none of the director's business. */
const repliesOfRoute: readonly PacketCase[] = OUT.map((way) => ({
  ...strange('reply with direct routing', 'passed_not_ours', way),
  connection: connection({ ...way, method: 'route' }),
}));

const ip4 = () => eth(LINKS.arriving).ip4(CLIENT[4].address, VIP[4].address);
const ip6 = () => eth(LINKS.arriving).ip6(CLIENT[6].address, VIP[6].address);
const other = new Uint8Array(40);

const otherProtocols: readonly PacketCase[] = [
  { name: 'IPv4 echo request', frame: ip4().icmp().bytes(), verdict: 'passed_icmp' },
  { name: 'IPv6 echo request', frame: ip6().icmp().bytes(), verdict: 'passed_icmp' },
  {
    name: 'IPv4 GRE',
    frame: ip4().payload(PROTOCOL.gre, other).bytes(),
    verdict: 'passed_other_protocol',
  },
  {
    name: 'IPv6 GRE',
    frame: ip6().payload(PROTOCOL.gre, other).bytes(),
    verdict: 'passed_other_protocol',
  },
  {
    name: 'IPv6 authentication header',
    frame: ip6().payload(PROTOCOL.authentication, other).bytes(),
    verdict: 'passed_other_protocol',
  },
  {
    name: 'ARP',
    frame: eth(LINKS.arriving).arp(CLIENT[4].address, VIP[4].address).padded(18).bytes(),
    verdict: 'passed_not_ip',
  },
  {
    name: 'three VLAN tags',
    frame: ip4Tagged(3),
    verdict: 'passed_not_ip',
  },
  {
    name: 'an Ethernet header alone',
    frame: eth(LINKS.arriving).bytes(),
    verdict: 'passed_not_ip',
  },
];

function ip4Tagged(tags: number): Uint8Array {
  const frame = eth(LINKS.arriving);
  for (let i = 0; i < tags; i++) frame.vlan(10 + i);
  return frame.ip4(CLIENT[4].address, VIP[4].address).tcp(40000, 80, 'S').bytes();
}

/** Packets without a connection. */
export const STRANGE: readonly PacketCase[] = [
  ...toServices,
  ...flooded,
  ...notOurs,
  ...staleFlows,
  ...repliesOfRoute,
  ...otherProtocols,
];
