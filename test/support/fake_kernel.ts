import { addressBytes, addressText, familyOf } from '../../ts/net/address.ts';
import { macBytes } from '../../ts/net/netlink.ts';

/**
 * The kernel's side of rtnetlink, for tests: requests read, answers and news written.
 *
 * Source: Linux include/uapi/linux/{netlink,rtnetlink,if_link,neighbour}.h.
 */
const TYPE = { status: 2, done: 3, link: 16, address: 20, route: 24, neighbour: 28 } as const;
const NEW_NEIGHBOUR = TYPE.neighbour;
const GET = 2;

/** What was asked of the kernel. */
export type Request =
  | { readonly ask: 'links' | 'neighbours'; readonly seq: number }
  | { readonly ask: 'route' | 'resolve'; readonly seq: number; readonly address: string };

/** The request that a message is. */
export function readRequest(message: Uint8Array): Request {
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const type = view.getUint16(4, true);
  const seq = view.getUint32(8, true);
  if (type === TYPE.link + GET) return { ask: 'links', seq };
  if (type === TYPE.neighbour + GET) return { ask: 'neighbours', seq };
  // Both fixed parts are 12 bytes, and the address is the first attribute.
  const length = view.getUint16(28, true) - 4;
  const address = addressText(message.subarray(32, 32 + length));
  return { ask: type === NEW_NEIGHBOUR ? 'resolve' : 'route', seq, address };
}

/** A link, up and running unless told otherwise. */
export interface FakeLink {
  readonly ifindex: number;
  readonly name: string;
  readonly mac: string;
  readonly mtu?: number;
  readonly up?: boolean;
  readonly loopback?: boolean;
}

/** News of a link, or a list's line with the list's number. */
export function linkMessage(link: FakeLink, { seq = 0, removed = false } = {}): Uint8Array {
  const { ifindex, name, mac, mtu = 1500, up = true, loopback = false } = link;
  const body = new DataView(new ArrayBuffer(16));
  body.setUint16(2, loopback ? 772 : 1, true);
  body.setInt32(4, ifindex, true);
  body.setUint32(8, up ? 0x10001 : 0, true);
  return message(TYPE.link + Number(removed), seq, body, [
    [1, macBytes(mac)],
    [3, new TextEncoder().encode(`${name}\0`)],
    [4, word(mtu)],
  ]);
}

/** News of a neighbour, or a list's line. `state`: NUD_REACHABLE 2, STALE 4, FAILED 32. */
export function neighbourMessage(
  ifindex: number,
  address: string,
  { mac = '', state = 2, seq = 0, removed = false } = {},
): Uint8Array {
  const body = new DataView(new ArrayBuffer(12));
  body.setUint8(0, familyOf(address) === 4 ? 2 : 10);
  body.setInt32(4, ifindex, true);
  body.setUint16(8, state, true);
  const hardware: [number, Uint8Array][] = mac === '' ? [] : [[2, macBytes(mac)]];
  return message(TYPE.neighbour + Number(removed), seq, body, [
    [1, addressBytes(address)],
    ...hardware,
  ]);
}

/** The answer to a lookup, or news of a route. `type`: RTN_UNICAST 1, LOCAL 2, BLACKHOLE 6. */
export function routeMessage(
  destination: string,
  oif: number,
  { gateway = '', type = 1, seq = 0 } = {},
): Uint8Array {
  const body = new DataView(new ArrayBuffer(12));
  body.setUint8(0, familyOf(destination) === 4 ? 2 : 10);
  body.setUint8(1, addressBytes(destination).length * 8);
  body.setUint8(7, type);
  const via: [number, Uint8Array][] = gateway === '' ? [] : [[5, addressBytes(gateway)]];
  return message(TYPE.route, seq, body, [[1, addressBytes(destination)], [4, word(oif)], ...via]);
}

/** News of an address of this host. */
export function addressMessage(ifindex: number, address: string): Uint8Array {
  const body = new DataView(new ArrayBuffer(8));
  body.setUint8(0, familyOf(address) === 4 ? 2 : 10);
  body.setUint32(4, ifindex, true);
  return message(TYPE.address, 0, body, [[1, addressBytes(address)]]);
}

/** The outcome of a request; errno 0 is an acknowledgement. */
export function statusMessage(seq: number, errno: number): Uint8Array {
  const body = new DataView(new ArrayBuffer(20));
  body.setInt32(0, -errno, true);
  return message(TYPE.status, seq, body, []);
}

/** The same message as a line of the list with that number. */
export function lineOf(seq: number, line: Uint8Array): Uint8Array {
  const copy = line.slice();
  new DataView(copy.buffer).setUint32(8, seq, true);
  return copy;
}

/** The end of a list. */
export function doneMessage(seq: number, { interrupted = false } = {}): Uint8Array {
  const bytes = message(TYPE.done, seq, new DataView(new ArrayBuffer(4)), []);
  new DataView(bytes.buffer).setUint16(6, interrupted ? 0x10 : 0, true);
  return bytes;
}

function message(
  type: number,
  seq: number,
  body: DataView,
  attributes: readonly [number, Uint8Array][],
): Uint8Array {
  const parts = attributes.map(([number, value]) => {
    const padded = new Uint8Array((4 + value.length + 3) & ~3);
    new DataView(padded.buffer).setUint16(0, 4 + value.length, true);
    new DataView(padded.buffer).setUint16(2, number, true);
    padded.set(value, 4);
    return padded;
  });
  const header = new DataView(new ArrayBuffer(16));
  const bytes = Uint8Array.from(
    Buffer.concat([new Uint8Array(header.buffer), new Uint8Array(body.buffer), ...parts]),
  );
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint32(8, seq, true);
  return bytes;
}

function word(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}
