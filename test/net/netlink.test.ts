import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressText } from '../../ts/net/address.ts';
import {
  decodeMessages,
  encodeDump,
  encodeResolve,
  encodeRouteLookup,
  macBytes,
  type NetlinkMessage,
} from '../../ts/net/netlink.ts';

/**
 * What a kernel was asked and what it said: `capture_netlink.py` beside this file, which opens
 * with the command that runs it, makes one veth pair (eth0 is 10, eth1 is 11) and records.
 */
const capture: Record<Exchange, { request: string; answers: string[] }> &
  Record<Occasion, string[]> = JSON.parse(
  readFileSync(new URL('netlink_capture.json', import.meta.url), 'utf8'),
);
type Occasion = 'linkDown' | 'addressGone' | 'bridgePort' | 'linkGone';
type Exchange =
  | 'links'
  | 'addresses'
  | 'neighbours'
  | 'resolving'
  | 'use'
  | 'managed'
  | 'onLink'
  | 'byGateway'
  | 'byGateway6'
  | 'byVia'
  | 'local'
  | 'unreachable'
  | 'arrived'
  | 'fibMatch';

const datagrams = Object.values(capture)
  .flatMap((one) => ('answers' in one ? one.answers : one))
  .map((hex) => Buffer.from(hex, 'hex'));

function heard(hex: readonly string[]): NetlinkMessage[] {
  return hex.flatMap((one) => decodeMessages(Buffer.from(one, 'hex')));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

describe('what a kernel answered', () => {
  test('links carry name, kind, hardware address and state', () => {
    const links = heard(capture.links.answers);
    expect(links).toHaveLength(4);
    expect(links[0]).toMatchObject({ ifindex: 1, name: 'lo', ethernet: false, deviceKind: '' });
    expect(links[1]).toEqual({
      kind: 'link',
      seq: 1,
      removed: false,
      ifindex: 10,
      name: 'eth0',
      ethernet: true,
      deviceKind: 'veth',
      up: true,
      lowerUp: true,
      operState: 'up',
      mac: '02:00:5e:00:53:01',
      mtu: 1500,
      lower: 11,
      master: 0,
    });
    expect(links[3]).toEqual({ kind: 'done', seq: 1 });
  });

  test('addresses of both families carry their prefix', () => {
    const addresses = heard(capture.addresses.answers);
    const eth0 = { kind: 'address', seq: 2, removed: false, ifindex: 10 };
    expect(addresses).toContainEqual({ ...eth0, address: '192.0.2.1', prefixLength: 24 });
    expect(addresses).toContainEqual({ ...eth0, address: '2001:db8::1', prefixLength: 64 });
  });

  test('neighbours carry hardware address and state, and a router says that it is one', () => {
    const neighbours = heard(capture.neighbours.answers);
    const eth0 = { kind: 'neighbour', removed: false, ifindex: 10, mac: '02:00:5e:00:53:02' };
    expect(neighbours).toContainEqual({
      ...eth0,
      seq: 3,
      address: '192.0.2.2',
      state: 'permanent',
      router: false,
    });
    expect(neighbours).toContainEqual({
      ...eth0,
      seq: 3,
      address: '2001:db8::2',
      state: 'stale',
      router: true,
    });
  });

  test.each([
    ['onLink', { oif: 10, gateway: undefined, source: '192.0.2.1', type: 'unicast' }],
    ['byGateway', { oif: 10, gateway: '192.0.2.254', destination: '192.88.99.1' }],
    ['byGateway6', { oif: 10, gateway: '2001:db8::fe', source: '2001:db8::1' }],
    ['byVia', { oif: 10, gateway: '2001:db8::fe', destination: '198.51.100.7' }],
    ['local', { oif: 1, type: 'local' }],
    ['arrived', { oif: 10, gateway: '192.0.2.254', type: 'unicast' }],
    ['fibMatch', { destination: undefined, prefixLength: 0, gateway: '192.0.2.254' }],
  ] as const)('the route of the lookup %s', (name, expected) => {
    const [route] = heard(capture[name].answers);
    expect(route).toMatchObject({ kind: 'route', seq: 7, removed: false, ...expected });
  });

  test('a lookup that ends in an unreachable route is answered by EHOSTUNREACH', () => {
    expect(heard(capture.unreachable.answers)).toEqual([{ kind: 'status', seq: 7, errno: 113 }]);
  });

  test('an accepted request is answered by errno 0, and the kernel starts to resolve', () => {
    expect(heard(capture.use.answers)).toEqual([{ kind: 'status', seq: 9, errno: 0 }]);
    expect(heard(capture.managed.answers)).toEqual([{ kind: 'status', seq: 9, errno: 0 }]);
    const resolving = heard(capture.resolving.answers);
    for (const address of ['192.0.2.3', '192.0.2.4']) {
      expect(resolving).toContainEqual(
        expect.objectContaining({ address, state: 'incomplete', mac: undefined }),
      );
    }
  });
});

describe('what a kernel told unasked', () => {
  test('a link that goes down, and its peer that loses the carrier', () => {
    const links = heard(capture.linkDown).filter((one) => one.kind === 'link');
    expect(links).toMatchObject([
      { ifindex: 11, up: false, lowerUp: false, operState: 'down' },
      { ifindex: 10, up: true, lowerUp: false, operState: 'lowerlayerdown' },
    ]);
  });

  test('an address that is taken away, with the routes that hung on it', () => {
    const news = heard(capture.addressGone);
    expect(news).toContainEqual(
      expect.objectContaining({ kind: 'address', removed: true, address: '192.0.2.1' }),
    );
    expect(news).toContainEqual(
      expect.objectContaining({ kind: 'route', removed: true, destination: '192.0.2.0' }),
    );
  });

  test('a port that leaves its bridge is not a link that is gone', () => {
    const links = heard(capture.bridgePort).filter((one) => one.kind === 'link');
    expect(links.length).toBeGreaterThan(0);
    expect(links.filter((link) => link.removed)).toEqual([]);
  });

  test('a deleted device', () => {
    const gone = heard(capture.linkGone).filter((one) => one.kind === 'link' && one.removed);
    expect(gone).toMatchObject([{ name: 'eth0' }, { name: 'eth1' }]);
  });
});

describe('requests', () => {
  test.each([
    ['links', encodeDump('link', 1)],
    ['addresses', encodeDump('address', 2)],
    ['neighbours', encodeDump('neighbour', 3)],
    ['onLink', encodeRouteLookup({ destination: '192.0.2.9' }, 7)],
    ['byGateway6', encodeRouteLookup({ destination: '2001:db8:1::1' }, 7)],
    [
      'arrived',
      encodeRouteLookup({ destination: '192.88.99.1', source: '192.0.2.77', iif: 10 }, 7),
    ],
    ['fibMatch', encodeRouteLookup({ destination: '192.88.99.1', fibMatch: true }, 7)],
    ['use', encodeResolve({ ifindex: 10, address: '192.0.2.3', keep: 'once' }, 9)],
    ['managed', encodeResolve({ ifindex: 10, address: '192.0.2.4', keep: 'managed' }, 9)],
  ] as const)('%s is asked with the bytes that the kernel answered', (name, request) => {
    expect(hex(request)).toBe(capture[name].request);
  });

  test('a request for a neighbour reads back as what was asked', () => {
    const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const address = fc.oneof(bytesOf(4), bytesOf(16)).map(addressText);
    const keep = fc.constantFrom('once' as const, 'managed' as const);
    const anyRequest = fc.record({ ifindex: fc.integer({ min: 1 }), address, keep });
    fc.assert(
      fc.property(anyRequest, fc.nat(), (request, seq) => {
        expect(decodeMessages(encodeResolve(request, seq))).toMatchObject([
          { kind: 'neighbour', seq, ifindex: request.ifindex, address: request.address },
        ]);
      }),
    );
  });

  test('a hardware address text gives its six bytes', () => {
    expect(hex(macBytes('02:00:5e:00:53:ff'))).toBe('02005e0053ff');
  });
});

describe('damaged input', () => {
  test('a datagram cut at any length gives the messages before the cut', () => {
    for (const datagram of datagrams) {
      const whole = decodeMessages(datagram);
      for (let length = 0; length < datagram.length; length++) {
        const cut = decodeMessages(datagram.subarray(0, length));
        expect(cut.length).toBeLessThan(Math.max(1, whole.length));
        if (cut.length > 0) expect(cut).toEqual(whole.slice(0, cut.length));
      }
    }
  });

  test('an attribute that claims more than there is ends its message, not the next', () => {
    const [first] = capture.links.answers;
    const datagram = Buffer.from(first ?? '', 'hex');
    datagram.writeUInt16LE(0xffff, 32); // length of the first attribute of the first link
    expect(decodeMessages(datagram)).toMatchObject([
      { ifindex: 1, name: '', mac: '' },
      { ifindex: 10, name: 'eth0' },
    ]);
  });

  test('no bytes whatever make it throw', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 8 });
    fc.assert(
      fc.property(fc.constantFrom(...datagrams), flips, (datagram, changes) => {
        const damaged = Buffer.from(datagram);
        for (const [at, value] of changes) damaged[at % damaged.length] = value;
        decodeMessages(damaged);
      }),
      { numRuns: 2000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (any) => void decodeMessages(any)));
  });
});

test('a dump whose table changed meanwhile says so on any of its lines', () => {
  const line = new Uint8Array(16 + 16); // a link of which nothing is said
  const header = new DataView(line.buffer);
  header.setUint32(0, line.length, true);
  header.setUint16(4, 16, true);
  header.setUint16(6, 0x12, true); // multipart, NLM_F_DUMP_INTR
  header.setUint32(8, 7, true);
  const kinds = decodeMessages(line).map(({ kind, seq }) => [kind, seq]);
  expect(kinds).toEqual([
    ['interrupted', 7],
    ['link', 7],
  ]);
});
