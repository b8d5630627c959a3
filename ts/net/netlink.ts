import { addressBytes, addressText, familyOf } from './address.ts';

/**
 * rtnetlink messages: links, addresses, routes and neighbours, as bytes and as values.
 *
 * A datagram is a row of messages, a message is a header, a fixed part and a row of attributes:
 *
 *   | length type flags seq pid | ifinfomsg, ifaddrmsg, rtmsg or ndmsg | len type value | ... |
 *
 * `decodeMessages` reads what the kernel sent, answer or notification; the encoders below it
 * make the few requests that a director has. Pure: whoever holds the socket moves the bytes.
 *
 * Source: Linux include/uapi/linux/{netlink,rtnetlink,if_link,if_addr,neighbour}.h; RFC 3549.
 */

/** What the kernel said about a network interface. */
export interface LinkMessage extends Notice {
  readonly kind: 'link';
  readonly ifindex: number;
  readonly name: string;
  /** Ethernet, and so a device that an XDP program can direct packets on. */
  readonly ethernet: boolean;
  /** What made a virtual device ('veth', 'bridge'); empty for hardware. */
  readonly deviceKind: string;
  /** Switched on by the administrator. */
  readonly up: boolean;
  /** Has a carrier. */
  readonly lowerUp: boolean;
  readonly operState: OperState;
  /** Hardware address, as in 02:00:5e:00:53:01; empty where the device has none. */
  readonly mac: string;
  readonly mtu: number;
  /** Index of the device that a VLAN or a macvlan stands on, or of a veth's peer; 0 for none. */
  readonly lower: number;
  /** Index of the bridge or bond that it is a port of; 0 for none. */
  readonly master: number;
}

/** What the kernel said about an address of this host. */
export interface AddressMessage extends Notice {
  readonly kind: 'address';
  readonly ifindex: number;
  readonly address: string;
  readonly prefixLength: number;
}

/** A route: an answer to `encodeRouteLookup`, or news that the table changed. */
export interface RouteMessage extends Notice {
  readonly kind: 'route';
  readonly type: RouteType;
  /** Destination; undefined is everything. */
  readonly destination: string | undefined;
  readonly prefixLength: number;
  readonly oif: number | undefined;
  /** The next router, of either family; undefined when the destination is on the link. */
  readonly gateway: string | undefined;
  readonly source: string | undefined;
}

/** What the kernel knows about a neighbour's hardware address. */
export interface NeighbourMessage extends Notice {
  readonly kind: 'neighbour';
  readonly ifindex: number;
  readonly address: string;
  readonly mac: string | undefined;
  readonly state: NeighbourState;
  readonly router: boolean;
}

/** The outcome of a request; errno 0 is an acknowledgement. */
export interface StatusMessage {
  readonly kind: 'status';
  readonly seq: number;
  readonly errno: number;
}

/** The end of a dump. */
export interface DoneMessage {
  readonly kind: 'done';
  readonly seq: number;
}

/** The table changed while it was dumped, which is told on any line of the dump: ask again. */
export interface InterruptedMessage {
  readonly kind: 'interrupted';
  readonly seq: number;
}

export type NetlinkMessage =
  | LinkMessage
  | AddressMessage
  | RouteMessage
  | NeighbourMessage
  | StatusMessage
  | DoneMessage
  | InterruptedMessage;

interface Notice {
  /** The sequence number of the request, which in a notification is somebody else's, or 0. */
  readonly seq: number;
  /** The thing is gone, rather than new or changed. */
  readonly removed: boolean;
}

const operStates = [
  'unknown',
  'notpresent',
  'down',
  'lowerlayerdown',
  'testing',
  'dormant',
  'up',
] as const;
export type OperState = (typeof operStates)[number];

const routeTypes = [
  'unspec',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
  'nat',
  'xresolve',
] as const;
export type RouteType = (typeof routeTypes)[number];

const neighbourStates = {
  0x00: 'none',
  0x01: 'incomplete',
  0x02: 'reachable',
  0x04: 'stale',
  0x08: 'delay',
  0x10: 'probe',
  0x20: 'failed',
  0x40: 'noarp',
  0x80: 'permanent',
} as const;
export type NeighbourState = (typeof neighbourStates)[keyof typeof neighbourStates];

const AF_UNSPEC = 0;
const AF_INET = 2;
const AF_INET6 = 10;

/** Message types: each table has NEW, DEL and GET in this order. */
const type = { error: 2, done: 3, link: 16, address: 20, route: 24, neighbour: 28 } as const;
const GET = 2;

const flag = {
  request: 0x001,
  ack: 0x004,
  interrupted: 0x010,
  dump: 0x300,
  create: 0x400,
} as const;

const HEADER_SIZE = 16;
const fixedSize = { link: 16, address: 8, route: 12, neighbour: 12 } as const;
const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1; // netlink is in host order

/**
 * The messages of one datagram, in order. Kinds that a director has no use for are left out;
 * of damaged input, everything before the damage is returned.
 */
export function decodeMessages(datagram: Uint8Array): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  let at = 0;
  while (at + HEADER_SIZE <= view.byteLength) {
    const length = view.getUint32(at, little);
    if (length < HEADER_SIZE || at + length > view.byteLength) break;
    const flags = view.getUint16(at + 6, little);
    const seq = view.getUint32(at + 8, little);
    if (flags & flag.interrupted) messages.push({ kind: 'interrupted', seq });
    const message = decodeMessage(slice(view, at, length));
    if (message) messages.push(message);
    at += align(length);
  }
  return messages;
}

function decodeMessage(message: DataView): NetlinkMessage | undefined {
  const number = message.getUint16(4, little);
  const seq = message.getUint32(8, little);
  const body = slice(message, HEADER_SIZE);
  if (number === type.done) return { kind: 'done', seq };
  if (number === type.error) {
    return body.byteLength < 4
      ? undefined
      : { kind: 'status', seq, errno: Math.abs(body.getInt32(0, little)) };
  }

  const notice = { seq, removed: number % 4 === 1 };
  switch (number - (number % 4 === 1 ? 1 : 0)) {
    case type.link:
      return decodeLink(body, notice);
    case type.address:
      return decodeAddress(body, notice);
    case type.route:
      return decodeRoute(body, notice);
    case type.neighbour:
      return decodeNeighbour(body, notice);
    default:
      return undefined;
  }
}

/** ifinfomsg: family, pad, u16 device type, i32 index, u32 flags, u32 change. */
function decodeLink(body: DataView, notice: Notice): LinkMessage | undefined {
  // A bridge speaks of its ports in the same message with its own family: not news of the link.
  if (body.byteLength < fixedSize.link || body.getUint8(0) !== AF_UNSPEC) return undefined;
  const attribute = attributes(body, fixedSize.link);
  const info = attribute.get(18); // IFLA_LINKINFO
  const flags = body.getUint32(8, little);
  return {
    kind: 'link',
    ...notice,
    ifindex: body.getInt32(4, little),
    name: text(attribute.get(3)),
    ethernet: body.getUint16(2, little) === 1,
    deviceKind: info ? text(attributes(info, 0).get(1)) : '',
    up: (flags & 0x1) !== 0,
    lowerUp: (flags & 0x10000) !== 0,
    operState: operStates[u8(attribute.get(16)) ?? 0] ?? 'unknown',
    mac: macText(attribute.get(1)) ?? '',
    mtu: u32(attribute.get(4)) ?? 0,
    lower: u32(attribute.get(5)) ?? 0,
    master: u32(attribute.get(10)) ?? 0,
  };
}

/** ifaddrmsg: family, prefix length, flags, scope, u32 index. */
function decodeAddress(body: DataView, notice: Notice): AddressMessage | undefined {
  if (body.byteLength < fixedSize.address) return undefined;
  const attribute = attributes(body, fixedSize.address);
  // On a point-to-point link IFA_ADDRESS is the peer, IFA_LOCAL is ours.
  const address = ipText(attribute.get(2)) ?? ipText(attribute.get(1));
  if (address === undefined) return undefined;
  return {
    kind: 'address',
    ...notice,
    ifindex: body.getUint32(4, little),
    address,
    prefixLength: body.getUint8(1),
  };
}

/** rtmsg: family, prefix lengths of destination and source, tos, table, protocol, scope, type. */
function decodeRoute(body: DataView, notice: Notice): RouteMessage | undefined {
  if (body.byteLength < fixedSize.route || !isIp(body.getUint8(0))) return undefined;
  const attribute = attributes(body, fixedSize.route);
  const via = attribute.get(18); // RTA_VIA: u16 family, then the address
  const viaAddress = via && via.byteLength > 2 ? slice(via, 2) : undefined;
  return {
    kind: 'route',
    ...notice,
    type: routeTypes[body.getUint8(7)] ?? 'unspec',
    destination: ipText(attribute.get(1)),
    prefixLength: body.getUint8(1),
    oif: u32(attribute.get(4)),
    gateway: ipText(attribute.get(5)) ?? ipText(viaAddress),
    source: ipText(attribute.get(7)),
  };
}

/** ndmsg: family, pad, i32 index, u16 state, u8 flags, u8 route type. */
function decodeNeighbour(body: DataView, notice: Notice): NeighbourMessage | undefined {
  if (body.byteLength < fixedSize.neighbour || !isIp(body.getUint8(0))) return undefined;
  const attribute = attributes(body, fixedSize.neighbour);
  const address = ipText(attribute.get(1));
  if (address === undefined) return undefined;
  const state = body.getUint16(8, little);
  return {
    kind: 'neighbour',
    ...notice,
    ifindex: body.getInt32(4, little),
    address,
    mac: macText(attribute.get(2)),
    state: neighbourStates[state as keyof typeof neighbourStates] ?? 'none',
    router: (body.getUint8(10) & 0x80) !== 0,
  };
}

/** The attributes from `at` on, by number; the first that does not fit ends them. */
function attributes(body: DataView, at: number): Map<number, DataView> {
  const found = new Map<number, DataView>();
  while (at + 4 <= body.byteLength) {
    const length = body.getUint16(at, little);
    if (length < 4 || at + length > body.byteLength) break;
    const number = body.getUint16(at + 2, little) & 0x3fff; // without NLA_F_NESTED
    found.set(number, slice(body, at + 4, length - 4));
    at += align(length);
  }
  return found;
}

/** A request for everything there is; the answer ends with a `done`. */
export function encodeDump(what: keyof typeof fixedSize, seq: number): Uint8Array {
  return encodeRequest(type[what] + GET, flag.dump, seq, new Uint8Array(fixedSize[what]));
}

/** What to look up in the routing tables. */
export interface RouteQuery {
  readonly destination: string;
  readonly source?: string;
  /** Look up as for a packet that arrived there, instead of one sent by this host. */
  readonly iif?: number;
  /** Ask for the table's entry itself, not for the resolved route. */
  readonly fibMatch?: boolean;
}

/** RTM_GETROUTE for one destination: answered by a route, or by a status with the errno. */
export function encodeRouteLookup(query: RouteQuery, seq: number): Uint8Array {
  const destination = addressBytes(query.destination);
  const source = query.source === undefined ? undefined : addressBytes(query.source);
  const rtmsg = new Uint8Array(fixedSize.route);
  rtmsg[0] = familyNumber(query.destination);
  rtmsg[1] = destination.length * 8;
  rtmsg[2] = (source?.length ?? 0) * 8;
  if (query.fibMatch) new DataView(rtmsg.buffer).setUint32(8, 0x2000, little); // RTM_F_FIB_MATCH
  const parts = [rtmsg, encodeAttribute(1, destination)];
  if (source) parts.push(encodeAttribute(2, source));
  if (query.iif !== undefined) parts.push(encodeAttribute(3, u32Bytes(query.iif)));
  return encodeRequest(type.route + GET, 0, seq, concat(parts));
}

/** A neighbour that the kernel should find the hardware address of. */
export interface NeighbourRequest {
  readonly ifindex: number;
  readonly address: string;
  /** once: resolve now. managed: and keep it fresh for as long as it is there (Linux 5.16). */
  readonly keep: 'once' | 'managed';
}

/**
 * RTM_NEWNEIGH that makes the kernel send ARP or a neighbour solicitation. Not for a permanent
 * entry: the kernel would take that state from it.
 */
export function encodeResolve(request: NeighbourRequest, seq: number): Uint8Array {
  const ndmsg = new Uint8Array(fixedSize.neighbour);
  ndmsg[0] = familyNumber(request.address);
  new DataView(ndmsg.buffer).setInt32(4, request.ifindex, little);
  const parts = [ndmsg, encodeAttribute(1, addressBytes(request.address))];
  if (request.keep === 'once')
    ndmsg[10] = 0x01; // NTF_USE
  else parts.push(encodeAttribute(15, u32Bytes(1))); // NDA_FLAGS_EXT: NTF_EXT_MANAGED
  // Neither replace nor a state: an entry that is already there keeps what it knows.
  return encodeRequest(type.neighbour, flag.ack | flag.create, seq, concat(parts));
}

/** The six bytes of a hardware address text. */
export function macBytes(mac: string): Uint8Array {
  return Uint8Array.from(mac.split(':'), (byte) => Number.parseInt(byte, 16));
}

function encodeRequest(number: number, flags: number, seq: number, body: Uint8Array): Uint8Array {
  const message = new Uint8Array(HEADER_SIZE + body.length);
  const view = new DataView(message.buffer);
  view.setUint32(0, message.length, little);
  view.setUint16(4, number, little);
  view.setUint16(6, flag.request | flags, little);
  view.setUint32(8, seq, little);
  message.set(body, HEADER_SIZE);
  return message;
}

function encodeAttribute(number: number, value: Uint8Array): Uint8Array {
  const attribute = new Uint8Array(align(4 + value.length));
  const view = new DataView(attribute.buffer);
  view.setUint16(0, 4 + value.length, little);
  view.setUint16(2, number, little);
  attribute.set(value, 4);
  return attribute;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** Messages and attributes start at multiples of four. */
function align(length: number): number {
  return (length + 3) & ~3;
}

function slice(view: DataView, from: number, length = view.byteLength - from): DataView {
  return new DataView(view.buffer, view.byteOffset + from, length);
}

function bytes(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function u8(value: DataView | undefined): number | undefined {
  return value && value.byteLength >= 1 ? value.getUint8(0) : undefined;
}

function u32(value: DataView | undefined): number | undefined {
  return value && value.byteLength >= 4 ? value.getUint32(0, little) : undefined;
}

function u32Bytes(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

function text(value: DataView | undefined): string {
  const read = value ? Buffer.from(bytes(value)).toString('utf8') : '';
  const end = read.indexOf('\0');
  return end < 0 ? read : read.slice(0, end);
}

function ipText(value: DataView | undefined): string | undefined {
  return value?.byteLength === 4 || value?.byteLength === 16
    ? addressText(bytes(value))
    : undefined;
}

function macText(value: DataView | undefined): string | undefined {
  if (value?.byteLength !== 6) return undefined;
  return [...bytes(value)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

function isIp(family: number): boolean {
  return family === AF_INET || family === AF_INET6;
}

function familyNumber(address: string): number {
  return familyOf(address) === 4 ? AF_INET : AF_INET6;
}
