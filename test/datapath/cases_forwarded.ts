import { Egress } from '../../ts/native/abi.gen.ts';
import { destinationOptions, fragment, hopByHop, routing } from '../support/packet.ts';
import {
  arriving,
  connection,
  forwarded,
  leaving,
  type PacketCase,
  type Variation,
  WAYS,
  type Way,
} from './case.ts';

/** What stands between the Ethernet header and the transport header. */
const SHAPES: Readonly<Record<string, Variation>> = {
  plain: {},
  'one tag': { tags: [10] },
  'two tags': { tags: [100, 10] },
  'options or extension headers': {
    // Record route with one address, then the end of the options.
    ip4: { options: [7, 7, 4, 0, 0, 0, 0, 0], df: true },
    ip6: { extensions: [hopByHop(), destinationOptions(), routing()] },
  },
  'longest header': {
    tags: [100, 10],
    ip4: { options: [...new Array<number>(39).fill(1), 0] },
    ip6: { extensions: [1, 2, 3, 4, 5, 6].map((n) => destinationOptions(n * 8)) },
  },
  'atomic fragment': { ip6: { extensions: [fragment()] } },
  'no payload': { payload: '' },
  'padded by Ethernet': { payload: '', padding: 6 },
};

const shaped = Object.entries(SHAPES).flatMap(([name, vary]) =>
  WAYS.filter(({ family }) => name !== 'atomic fragment' || family === 6).map((way) =>
    forwarded(name, way, vary),
  ),
);

/** Errors that a director hands on as they are; RFC 1624 updates keep the difference. */
const damaged = WAYS.map((way) =>
  forwarded('wrong transport checksum', way, { checksumError: 0x1234 }),
);

const noChecksum = WAYS.filter(({ protocol }) => protocol === 'udp').map((way) =>
  forwarded('no UDP checksum', way, { noChecksum: true }),
);

/** Packets whose rewritten checksum is zero, which UDP sends as all ones. */
const zeroChecksum = WAYS.map((way) =>
  forwarded('checksum that comes to zero', way, { payload: payloadForZero(way) }),
);

/** Packets that arrive with a checksum of zero, in UDP as all ones. */
const fromZeroChecksum = WAYS.map((way) =>
  forwarded('checksum that was zero', way, { payload: payloadForZero(way, arriving) }),
);

/** With a payload of its own checksum over zeros, a packet sums to all ones. */
function payloadForZero(way: Way, side: typeof leaving = leaving): Uint8Array {
  const bytes = side(way, { payload: Uint8Array.of(0, 0) }).bytes();
  const at = 14 + (way.family === 4 ? 20 : 40) + (way.protocol === 'tcp' ? 16 : 6);
  return bytes.slice(at, at + 2);
}

const longest = WAYS.map((way): PacketCase => {
  const size = arriving(way).packetBytes;
  return {
    ...forwarded('as long as the next link takes', way),
    connection: connection(way, { mtu: size }),
  };
});

/** The rest of it is in buffers that the packet code does not see. */
const jumbo = WAYS.map((way): PacketCase => {
  const vary = { payload: new Uint8Array(8900).fill(7), tags: [10] };
  return { ...forwarded('jumbo frame', way, vary), connection: connection(way, { mtu: 9000 }) };
});

/** Sent to the interface's own MAC address, where that is looked at. */
const addressed = WAYS.map(
  (way): PacketCase => ({
    ...forwarded('sent to its MAC address', way),
    station: '02:00:00:00:00:11',
  }),
);

/** Test runs come by interface 1, whose driver may be better at XDP_TX, or by another one. */
const transmitted = WAYS.flatMap((way): PacketCase[] => [
  {
    ...forwarded('back by its own interface', way),
    connection: connection(way, { egress: 1 | Egress.TRANSMIT }),
    egress: 1,
    transmitted: true,
  },
  {
    ...forwarded('by another interface', way),
    connection: connection(way, { egress: 9 | Egress.TRANSMIT }),
    egress: 9,
  },
]);

const removed = WAYS.filter(({ direction }) => direction === 'out').map(
  (way): PacketCase => ({
    ...forwarded('reply of a removed destination', way),
    connection: connection(way, { removed: true }),
  }),
);

/** A service that was removed leaves its connections. */
const serviceGone = WAYS.map(
  (way): PacketCase => ({ ...forwarded('connection without its service', way), services: [] }),
);

/** Everything that is forwarded and changes nothing but counters. */
export const FORWARDED: readonly PacketCase[] = [
  ...shaped,
  ...damaged,
  ...noChecksum,
  ...zeroChecksum,
  ...fromZeroChecksum,
  ...longest,
  ...jumbo,
  ...addressed,
  ...transmitted,
  ...removed,
  ...serviceGone,
];
