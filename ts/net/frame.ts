import { addressText, endpointText } from './address.ts';

/**
 * A frame in a few words, as tcpdump would say it:
 *
 *   198.51.100.7:4711 > 192.0.2.1:80 tcp [S.]
 *
 * Reads what may be cut off anywhere; what cannot be read is not said.
 */

const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd, qinq: 0x88a8 } as const;
const TRANSPORTS: Readonly<Record<number, string>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  58: 'icmp6',
  132: 'sctp',
};
const TCP = 6;
const WITH_PORTS = [6, 17, 132];
/** Extension headers of IPv6 that stand before the transport header; RFC 8200 section 4. */
const EXTENSIONS = [0, 43, 44, 60];
const FRAGMENT = 44;
const FRAGMENT_OFFSET_IPV4 = 0x1fff;
/** The letters of tcpdump, from the lowest bit on. */
const TCP_FLAGS = 'FSRP.UEW';

/** Where a packet's headers are, and whether its transport header is in it. */
interface Layers {
  readonly source: string;
  readonly target: string;
  readonly protocol: number;
  /** Undefined in a later fragment. */
  readonly transport: number | undefined;
}

/** The frame's five-tuple and TCP flags; of other frames what they are. */
export function frameText(frame: Uint8Array): string {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  try {
    return networkText(view);
  } catch (error) {
    if (error instanceof RangeError) return 'cut short';
    throw error;
  }
}

function networkText(view: DataView): string {
  let at = 14;
  let type = view.getUint16(12);
  while (type === ETHERTYPE.vlan || type === ETHERTYPE.qinq) {
    type = view.getUint16(at + 2);
    at += 4;
  }
  if (type === ETHERTYPE.arp) return 'arp';
  if (type === ETHERTYPE.ipv4) return layersText(view, ipv4Layers(view, at));
  if (type === ETHERTYPE.ipv6) return layersText(view, ipv6Layers(view, at));
  return `ethertype 0x${type.toString(16).padStart(4, '0')}`;
}

function layersText(view: DataView, { source, target, protocol, transport }: Layers): string {
  const name = TRANSPORTS[protocol] ?? `protocol ${protocol}`;
  if (transport === undefined) return `${source} > ${target} ${name} fragment`;
  if (!WITH_PORTS.includes(protocol)) return `${source} > ${target} ${name}`;
  const from = endpointText(source, view.getUint16(transport));
  const to = endpointText(target, view.getUint16(transport + 2));
  const flags = protocol === TCP ? ` [${flagsText(view.getUint8(transport + 13))}]` : '';
  return `${from} > ${to} ${name}${flags}`;
}

function ipv4Layers(view: DataView, at: number): Layers {
  const isLater = (view.getUint16(at + 6) & FRAGMENT_OFFSET_IPV4) !== 0;
  return {
    source: address(view, at + 12, 4),
    target: address(view, at + 16, 4),
    protocol: view.getUint8(at + 9),
    transport: isLater ? undefined : at + (view.getUint8(at) & 15) * 4,
  };
}

function ipv6Layers(view: DataView, start: number): Layers {
  let protocol = view.getUint8(start + 6);
  let at = start + 40;
  let isLater = false;
  while (EXTENSIONS.includes(protocol) && !isLater) {
    isLater = protocol === FRAGMENT && view.getUint16(at + 2) >> 3 !== 0;
    const length = protocol === FRAGMENT ? 8 : (view.getUint8(at + 1) + 1) * 8;
    protocol = view.getUint8(at);
    at += length;
  }
  const source = address(view, start + 8, 16);
  const target = address(view, start + 24, 16);
  return { source, target, protocol, transport: isLater ? undefined : at };
}

function address(view: DataView, at: number, length: number): string {
  // Behind the view's end are other frames.
  view.getUint8(at + length - 1);
  return addressText(new Uint8Array(view.buffer, view.byteOffset + at, length));
}

function flagsText(flags: number): string {
  return [...TCP_FLAGS].filter((_, bit) => flags & (1 << bit)).join('') || 'none';
}
