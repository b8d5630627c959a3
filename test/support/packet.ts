import { addressBytes } from '../../ts/net/address.ts';

/**
 * A frame, layer by layer, written as it is read on the wire:
 *
 *   eth().vlan(10).ip4('198.51.100.7', vip).tcp(40000, 80, 'S').bytes()
 *
 * Every checksum is summed in full from RFC 1071's text, so the packet code, which only updates
 * checksums, is measured against something that it does not share.
 */
export function eth(link: Link = {}): Frame {
  return new Frame(link);
}

/** MAC addresses as bytes. */
export interface Link {
  readonly target?: Uint8Array;
  readonly source?: Uint8Array;
}

interface IpOptions {
  /** TTL or hop limit; 64 unless told. */
  readonly ttl?: number;
  /** Written in place of the true version. */
  readonly version?: number;
  /** IPv4's total length, IPv6's payload length: written in place of the true one. */
  readonly length?: number;
}

/** What an IPv4 header may say beyond its addresses. */
export interface Ip4Options extends IpOptions {
  /** Options, a multiple of four bytes. */
  readonly options?: readonly number[];
  readonly df?: boolean;
  readonly mf?: boolean;
  /** Fragment offset in bytes, a multiple of eight. */
  readonly offset?: number;
  /** Written in place of the true header length, in words. */
  readonly ihl?: number;
  /** Added to the right header checksum. */
  readonly checksumError?: number;
}

/** What an IPv6 header may say beyond its addresses. */
export interface Ip6Options extends IpOptions {
  readonly extensions?: readonly Extension[];
}

/** An IPv6 extension header; the frame fills in its first byte, the next header. */
export interface Extension {
  readonly protocol: number;
  readonly bytes: readonly number[];
}

/** How a transport checksum deviates from the right one. */
export interface ChecksumOptions {
  /** Added in one's complement: the same error stands out before and after a rewrite. */
  readonly checksumError?: number;
  /** UDP: zero, which says that there is none. */
  readonly noChecksum?: boolean;
}

/** Protocol numbers. Source: IANA, Assigned Internet Protocol Numbers. */
export const PROTOCOL = {
  hopByHop: 0,
  icmp: 1,
  tcp: 6,
  udp: 17,
  routing: 43,
  fragment: 44,
  gre: 47,
  authentication: 51,
  icmp6: 58,
  destinationOptions: 60,
} as const;

const ETHERTYPE = { ip4: 0x0800, arp: 0x0806, vlan: 0x8100, serviceVlan: 0x88a8, ip6: 0x86dd };

/** FIN, SYN, RST, PSH, ACK, URG by their letters. */
const TCP_FLAGS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32 };

/** Hop-by-hop options of nothing but padding. RFC 8200 section 4.3. */
export function hopByHop(): Extension {
  return { protocol: PROTOCOL.hopByHop, bytes: [0, 0, 1, 4, 0, 0, 0, 0] };
}

/** Destination options of nothing but padding, `length` bytes in all. RFC 8200 section 4.6. */
export function destinationOptions(length = 16): Extension {
  const bytes = new Array<number>(length).fill(0); // Pad1 throughout
  bytes[1] = length / 8 - 1;
  return { protocol: PROTOCOL.destinationOptions, bytes };
}

/** A routing header that has been used up: no segments left. RFC 8200 section 4.4. */
export function routing(): Extension {
  return { protocol: PROTOCOL.routing, bytes: [0, 0, 253, 0, 0, 0, 0, 0] };
}

/** A fragment header; with offset 0 and nothing more it is an atomic fragment (RFC 6946). */
export function fragment({ offset = 0, more = false } = {}): Extension {
  const field = offset | (more ? 1 : 0);
  return { protocol: PROTOCOL.fragment, bytes: [0, 0, field >> 8, field & 255, 0, 0, 0, 9] };
}

/** A word added in one's complement. RFC 1071 section 1. */
export function addWords(a: number, b: number): number {
  const sum = a + b;
  return (sum & 0xffff) + (sum >> 16);
}

/** RFC 1071: the complement of the one's complement sum of all 16-bit words. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum = addWords(sum, ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
  }
  return ~sum & 0xffff;
}

/** The IP header in the making: what the layers below and above need of it. */
interface Network {
  readonly etherType: number;
  readonly source: Uint8Array;
  readonly target: Uint8Array;
  header(protocol: number, payload: Uint8Array): Uint8Array;
}

/** See eth(). */
export class Frame {
  readonly #link: Link;
  readonly #tags: { readonly id: number; readonly type: number }[] = [];
  #network: Network | undefined;
  #etherType = 0;
  #protocol = 0;
  #payload: Uint8Array = new Uint8Array();
  #padding: Uint8Array = new Uint8Array();

  constructor(link: Link) {
    this.#link = link;
  }

  /** A VLAN tag behind those there are; `service`: the outer tag of 802.1ad. */
  vlan(id: number, kind: 'customer' | 'service' = 'customer'): this {
    this.#tags.push({ id, type: kind === 'service' ? ETHERTYPE.serviceVlan : ETHERTYPE.vlan });
    return this;
  }

  ip4(source: Address, target: Address, options: Ip4Options = {}): this {
    const addresses = { source: bytesOf(source), target: bytesOf(target) };
    this.#etherType = ETHERTYPE.ip4;
    this.#network = {
      etherType: ETHERTYPE.ip4,
      ...addresses,
      header: (protocol, payload) => {
        const header = ip4Header(options, protocol, payload.length);
        header.set(addresses.source, 12);
        header.set(addresses.target, 16);
        word(header, 10, addWords(checksum(header), options.checksumError ?? 0));
        return header;
      },
    };
    return this;
  }

  ip6(source: Address, target: Address, options: Ip6Options = {}): this {
    const addresses = { source: bytesOf(source), target: bytesOf(target) };
    this.#etherType = ETHERTYPE.ip6;
    this.#network = {
      etherType: ETHERTYPE.ip6,
      ...addresses,
      header: (protocol, payload) => {
        const header = ip6Header(options, protocol, payload.length);
        header.set(addresses.source, 8);
        header.set(addresses.target, 24);
        return header;
      },
    };
    return this;
  }

  tcp(from: number, to: number, flags: string, ...rest: Segment): this {
    const [payload = '', options = {}] = rest;
    const header = new Uint8Array(20);
    word(header, 0, from);
    word(header, 2, to);
    header.set([1, 2, 3, 4, 5, 6, 7, 8], 4); // sequence, acknowledgement
    header[12] = 5 << 4;
    header[13] = [...flags].reduce((bits, letter) => bits | (TCP_FLAGS[letter] ?? 0), 0);
    word(header, 14, 0xfaf0);
    const segment = join(header, octets(payload));
    const right = this.#transportChecksum(PROTOCOL.tcp, segment);
    word(segment, 16, addWords(right, options.checksumError ?? 0));
    return this.payload(PROTOCOL.tcp, segment);
  }

  udp(from: number, to: number, ...rest: Segment): this {
    const [payload = '', options = {}] = rest;
    const header = new Uint8Array(8);
    const datagram = join(header, octets(payload));
    word(datagram, 0, from);
    word(datagram, 2, to);
    word(datagram, 4, datagram.length);
    // RFC 768: a sum of zero is sent as all ones.
    const right = this.#transportChecksum(PROTOCOL.udp, datagram) || 0xffff;
    const sent = addWords(right, options.checksumError ?? 0);
    word(datagram, 6, options.noChecksum ? 0 : sent);
    return this.payload(PROTOCOL.udp, datagram);
  }

  /** An echo request. */
  icmp(): this {
    const six = this.#network?.etherType === ETHERTYPE.ip6;
    const message = Uint8Array.of(six ? 128 : 8, 0, 0, 0, 0, 1, 0, 1);
    const protocol = six ? PROTOCOL.icmp6 : PROTOCOL.icmp;
    word(message, 2, six ? this.#transportChecksum(protocol, message) : checksum(message));
    return this.payload(protocol, message);
  }

  /** Who has `target`? RFC 826. */
  arp(sender: string, target: string): this {
    this.#etherType = ETHERTYPE.arp;
    this.#payload = join(
      Uint8Array.of(0, 1, 8, 0, 6, 4, 0, 1),
      this.#link.source ?? new Uint8Array(6),
      addressBytes(sender),
      new Uint8Array(6),
      addressBytes(target),
    );
    return this;
  }

  /** Any bytes behind the IP header, under a protocol number. */
  payload(protocol: number, bytes: Uint8Array): this {
    this.#protocol = protocol;
    this.#payload = bytes;
    return this;
  }

  /** Bytes behind the packet that do not belong to it, as Ethernet pads short frames. */
  padded(count: number): this {
    this.#padding = new Uint8Array(count).fill(0xee);
    return this;
  }

  /** Length of the IP packet. */
  get packetBytes(): number {
    return this.#packet().length;
  }

  bytes(): Uint8Array {
    const { target = new Uint8Array(6), source = new Uint8Array(6) } = this.#link;
    const tags = this.#tags.flatMap(({ id, type }) => [type >> 8, type & 255, id >> 8, id & 255]);
    const type = [this.#etherType >> 8, this.#etherType & 255];
    return join(target, source, Uint8Array.from([...tags, ...type]), this.#packet(), this.#padding);
  }

  /** The frame's first bytes alone. */
  cut(length: number): Uint8Array {
    return this.bytes().slice(0, length);
  }

  #packet(): Uint8Array {
    if (!this.#network) return this.#payload;
    return join(this.#network.header(this.#protocol, this.#payload), this.#payload);
  }

  /** Over the pseudo header of RFC 9293 section 3.1 or RFC 8200 section 8.1, and the segment. */
  #transportChecksum(protocol: number, segment: Uint8Array): number {
    const { source, target } = this.#network ?? { source: octets(''), target: octets('') };
    const pseudo = Uint8Array.of(0, protocol, segment.length >> 8, segment.length & 255);
    return checksum(join(source, target, pseudo, segment));
  }
}

/** As text, or in network order. */
type Address = string | Uint8Array;

function bytesOf(address: Address): Uint8Array {
  return typeof address === 'string' ? addressBytes(address) : address;
}

type Segment = [payload?: string | Uint8Array, options?: ChecksumOptions];

/** Without addresses and checksum. RFC 791 section 3.1. */
function ip4Header(from: Ip4Options, protocol: number, payloadBytes: number): Uint8Array {
  const { options = [], offset = 0, ttl = 64, version = 4 } = from;
  const header = new Uint8Array(20 + options.length);
  header[0] = (version << 4) | (from.ihl ?? header.length / 4);
  word(header, 2, from.length ?? header.length + payloadBytes);
  word(header, 4, 0x1234);
  word(header, 6, (offset / 8) | (from.df ? 0x4000 : 0) | (from.mf ? 0x2000 : 0));
  header[8] = ttl;
  header[9] = protocol;
  header.set(options, 20);
  return header;
}

/** Without addresses, with the extension headers. RFC 8200 section 3. */
function ip6Header(from: Ip6Options, protocol: number, payloadBytes: number): Uint8Array {
  const { extensions = [], ttl = 64, version = 6 } = from;
  const chain = extensions.map((extension, i) =>
    Uint8Array.from([extensions[i + 1]?.protocol ?? protocol, ...extension.bytes.slice(1)]),
  );
  const behind = join(...chain);
  const header = new Uint8Array(40);
  header.set([version << 4, 0x0a, 0xbc, 0xde]); // a flow label
  word(header, 4, from.length ?? behind.length + payloadBytes);
  header[6] = extensions[0]?.protocol ?? protocol;
  header[7] = ttl;
  return join(header, behind);
}

function word(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 255;
}

function octets(payload: string | Uint8Array): Uint8Array {
  return typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
