import type { MarkRule } from '../../ts/lvs/marks/rule.ts';
import type { ForwardingMethod, ServiceId, Tunnel } from '../../ts/lvs/operation.ts';
import type { Settings } from '../../ts/lvs/settings.ts';
import type { ConnectionState, Counters, Verdict } from '../../ts/native/abi.gen.ts';
import { eth, type Frame, type Ip4Options, type Ip6Options, type Link } from '../support/packet.ts';

/*
 *   client ── 11 ── director ── 12 ── server
 *                     vip
 *
 * Every case is about one connection's packets, or about packets without one, at this director.
 */

/** The name of a verdict as its counter is called. */
export type VerdictName = Lowercase<keyof typeof Verdict>;

/** The name of a connection's state, in lower case. */
export type StateName = Lowercase<keyof typeof ConnectionState>;

/** A destination's counters, in the order of struct counters. */
export const COUNTERS = [
  'connections',
  'inPackets',
  'outPackets',
  'inBytes',
  'outBytes',
] as const satisfies readonly (keyof typeof Counters)[];
export type CounterName = (typeof COUNTERS)[number];

/**
 * One frame and what becomes of it. All that is not said here must not move: the frame's bytes,
 * the counters, the connection's state, the destination's counts.
 */
export interface PacketCase {
  readonly name: string;
  /** The virtual services; all four of this director unless told. */
  readonly services?: readonly ServiceId[];
  /** Those that are not the default. */
  readonly settings?: Partial<Settings>;
  /** The rules of firewall marks; none unless told. */
  readonly marks?: readonly MarkRule[];
  /** None unless told. */
  readonly connection?: ConnectionCase;
  /** What new connections get; nothing unless told, so that the slow path has to decide. */
  readonly ring?: RingCase;
  /** Connections of others in the table; none unless told. */
  readonly others?: Others;
  /** Only the interface's own MAC address is listened to: this one. */
  readonly station?: string;
  /** No address is known as ours but by mark rules, whatever stands in the tables. */
  readonly unknown?: boolean;
  readonly frame: Uint8Array;
  readonly verdict: VerdictName;
  /** The frame that leaves; the same bytes as `frame` where absent. */
  readonly out?: Uint8Array;
  /** The interface by which it leaves; 0 where absent. */
  readonly egress?: number;
  /** XDP sends it back by its own queue. */
  readonly transmitted?: boolean;
  readonly counters?: Readonly<Partial<Record<CounterName, number>>>;
  /** The connection's state afterwards; as before where absent. */
  readonly state?: StateName;
  /** The connection's timeout afterwards; the default of its state where absent. */
  readonly timeoutS?: number;
  /** By how much the destination's active connections grew, and the inactive ones fell. */
  readonly activated?: -1 | 1;
  /** The packet has opened the connection whose state is told, at the accepting destination. */
  readonly opens?: boolean;
  /** Tickets taken, and taken a second time. */
  readonly taken?: number;
  readonly reused?: number;
  /** The accepting destination refuses further connections from now on. */
  readonly overloaded?: boolean;
}

/** What a case begins with. */
export type Beginning = Omit<PacketCase, 'name' | 'frame' | 'verdict'>;

/** What a ticket leads to: the destination of the case, or another one that takes nothing. */
export type Ticket = 'accepting' | 'quiesced' | 'overloaded' | 'removed';

/** The tickets that every service has. */
export interface RingCase {
  readonly family: Family;
  readonly method: ForwardingMethod;
  readonly tunnel?: TunnelCase;
  readonly tickets: readonly Ticket[];
  /** Which of them is not taken, but has more asked for; none unless told. */
  readonly askAt?: number;
  /** All are taken already, and may be taken again where no daemon is. */
  readonly used?: boolean;
  /** Upper threshold of the accepting destination, which has 20 connections. */
  readonly upper?: number;
  /** Its address and port in place of the usual ones. */
  readonly server?: Endpoint;
}

/** Connections beside the one of the case: of the same client's endpoint, or as many as fit. */
export type Others = 'a hundred of this client' | 'as many as fit';

/** The connection in the table. */
export interface ConnectionCase {
  readonly family: Family;
  readonly protocol: Protocol;
  readonly method: ForwardingMethod;
  readonly tunnel?: TunnelCase;
  readonly state: StateName;
  /** The destination was taken out of its service. */
  readonly removed?: boolean;
  /** The destination has weight 0. */
  readonly quiesced?: boolean;
  /** What both next hops have in place of an interface index; the way's unless told. */
  readonly egress?: number;
  /** Of both next hops; 1500 unless told. */
  readonly mtu?: number;
  /** The next hops were found under an earlier route generation. */
  readonly staleRoutes?: boolean;
  /** Its time is over, and nothing has swept it away yet. */
  readonly expired?: boolean;
  /** Its bucket still leads to its slot, which is free, or another client's, by now. */
  readonly slot?: 'freed' | 'taken';
  /** The client's address and port in place of the usual ones. */
  readonly client?: Endpoint;
  /** The destination's address and port in place of the usual ones. */
  readonly server?: Endpoint;
}

/** The tunnel by which the destination is reached, of either family. */
export interface TunnelCase {
  readonly family: Family;
  readonly tunnel?: Tunnel;
}

export type Family = 4 | 6;
export type Protocol = 'tcp' | 'udp';

/** An address and a port. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export const CLIENT: Readonly<Record<Family, Endpoint>> = {
  4: { address: '198.51.100.7', port: 40000 },
  6: { address: '2001:db8:c::7', port: 40000 },
};
export const VIP: Readonly<Record<Family, Endpoint>> = {
  4: { address: '203.0.113.1', port: 80 },
  6: { address: '2001:db8:a::1', port: 80 },
};
export const SERVER: Readonly<Record<Family, Endpoint>> = {
  4: { address: '10.1.2.3', port: 8080 },
  6: { address: '2001:db8:b:0:1:2:3:4', port: 8080 },
};

/** The director's own addresses towards the server. */
export const DIRECTOR: Readonly<Record<Family, string>> = {
  4: '10.2.0.254',
  6: '2001:db8:2::254',
};

/** Towards the server; towards the client. */
export const EGRESS = { in: 12, out: 11 } as const;

const mac = (last: number): Uint8Array => Uint8Array.of(2, 0, 0, 0, 0, last);

/** Link headers: of what arrives, and of what leaves in either direction. */
export const LINKS = {
  arriving: { target: mac(0x11), source: mac(0x22) },
  in: { target: mac(0x33), source: mac(0x44) },
  out: { target: mac(0x55), source: mac(0x66) },
} as const satisfies Record<string, Link>;

/** All virtual services that this director has. */
export const SERVICES: readonly ServiceId[] = ([4, 6] as const).flatMap((family) =>
  (['tcp', 'udp'] as const).map((protocol) => ({ family, protocol, ...VIP[family] })),
);

/** Which way a packet takes through the director. */
export interface Way {
  readonly family: Family;
  readonly protocol: Protocol;
  readonly method: 'masq' | 'route';
  readonly direction: 'in' | 'out';
  /** Where they are not the usual ones. */
  readonly client?: Endpoint;
  readonly server?: Endpoint;
}

/** What a packet has beyond its addresses, on both sides of the director alike. */
export interface Variation {
  /** VLAN tags, the outer one first. */
  readonly tags?: readonly number[];
  readonly ip4?: Ip4Options;
  readonly ip6?: Ip6Options;
  /** TTL on arrival. */
  readonly ttl?: number;
  readonly flags?: string;
  readonly payload?: string | Uint8Array;
  readonly checksumError?: number;
  readonly noChecksum?: boolean;
  readonly padding?: number;
}

/** The packet as it comes to the director. */
export function arriving(way: Way, vary: Variation = {}): Frame {
  const { family, direction, client = CLIENT[family] } = way;
  const ends: Ends = direction === 'in' ? [client, VIP[family]] : [SERVER[family], client];
  return frame(way, ends, vary, LINKS.arriving);
}

/** The same packet as it leaves, built from nothing. */
export function leaving(way: Way, vary: Variation = {}): Frame {
  const { family, direction, method, client = CLIENT[family], server = SERVER[family] } = way;
  const target = method === 'masq' ? server : VIP[family];
  const ends: Ends = direction === 'in' ? [client, target] : [VIP[family], client];
  const ttl = (vary.ttl ?? 64) - 1;
  return frame(way, ends, { ...vary, ttl }, LINKS[direction]);
}

type Ends = [from: Endpoint, to: Endpoint];

function frame({ family, protocol }: Way, [from, to]: Ends, vary: Variation, link: Link): Frame {
  const made = eth(link);
  const { tags = [], ttl = 64, flags = 'A', payload = 'hello', padding = 0 } = vary;
  tags.forEach((tag, i) => {
    made.vlan(tag, i < tags.length - 1 ? 'service' : 'customer');
  });
  if (family === 4) made.ip4(from.address, to.address, { ...vary.ip4, ttl });
  else made.ip6(from.address, to.address, { ...vary.ip6, ttl });
  if (protocol === 'tcp') made.tcp(from.port, to.port, flags, payload, vary);
  else made.udp(from.port, to.port, payload, vary);
  return made.padded(padding);
}

/** The connection to which the way's packets belong, established. */
export function connection(way: Way, vary: Partial<ConnectionCase> = {}): ConnectionCase {
  const { family, protocol, method, client } = way;
  const state = protocol === 'tcp' ? 'established' : 'udp';
  return { family, protocol, method, state, ...(client && { client }), ...vary };
}

/** A packet of an established connection that is forwarded. */
export function forwarded(name: string, way: Way, vary: Variation = {}): PacketCase {
  const before = arriving(way, vary);
  const bytes = before.packetBytes;
  const incoming = way.direction === 'in';
  return {
    name: `${name}: ${wayText(way)}`,
    connection: connection(way),
    frame: before.bytes(),
    verdict: incoming ? 'forwarded_in' : 'forwarded_out',
    out: leaving(way, vary).bytes(),
    egress: EGRESS[way.direction],
    counters: incoming ? { inPackets: 1, inBytes: bytes } : { outPackets: 1, outBytes: bytes },
  };
}

/** A packet that opens its connection by the next ticket, and is forwarded. */
export function opening(name: string, way: Way, vary: Variation = {}): PacketCase {
  const { frame, out, egress, counters } = forwarded(name, way, { flags: 'S', ...vary });
  return {
    name: `${name}: ${wayText(way)}`,
    ring: { ...way, tickets: ['accepting'] },
    frame,
    verdict: 'forwarded_in',
    ...(out && { out }),
    ...(egress && { egress }),
    counters: { connections: 1, ...counters },
    state: way.protocol === 'tcp' ? 'syn_recv' : 'udp',
    opens: true,
    taken: 1,
  };
}

/** 'IPv4 TCP masq in', for names of cases. */
export function wayText(way: Omit<Way, 'method'> & { readonly method: ForwardingMethod }): string {
  const { family, protocol, method, direction } = way;
  return `IPv${family} ${protocol.toUpperCase()} ${method} ${direction}`;
}

/** Every way there is: with direct routing the replies go past the director. */
export const WAYS: readonly Way[] = ([4, 6] as const).flatMap((family) =>
  (['tcp', 'udp'] as const).flatMap((protocol): Way[] => [
    { family, protocol, method: 'masq', direction: 'in' },
    { family, protocol, method: 'masq', direction: 'out' },
    { family, protocol, method: 'route', direction: 'in' },
  ]),
);
