import { describe, expect, test } from 'vitest';
import { NextHops } from '../../ts/dataplane/next_hops.ts';
import { addressBytes, addressText } from '../../ts/net/address.ts';
import type { LinkMessage } from '../../ts/net/netlink.ts';
import { FakeClock } from '../support/fake_clock.ts';
import {
  addressMessage,
  doneMessage,
  type FakeLink,
  lineOf,
  linkMessage,
  neighbourMessage,
  type Request,
  readRequest,
  routeMessage,
  statusMessage,
} from '../support/fake_kernel.ts';

const eth0: FakeLink = { ifindex: 2, name: 'eth0', mac: '02:00:00:00:00:02' };
const eth1: FakeLink = { ifindex: 3, name: 'eth1', mac: '02:00:00:00:00:03', mtu: 9000 };
const lo: FakeLink = { ifindex: 1, name: 'lo', mac: '00:00:00:00:00:00', loopback: true };
const MAC = '02:00:00:00:00:aa';
const OTHER_MAC = '02:00:00:00:00:bb';

/** Next hops in front of a kernel that a test plays. */
function nextHops() {
  const clock = new FakeClock();
  const asked: Request[] = [];
  const put: string[] = [];
  const under: number[] = []; // generations
  const links: string[] = [];
  const generations = {
    routeGeneration: 1,
    raiseRouteGeneration: () => void generations.routeGeneration++,
  };
  const hops = new NextHops({
    send: (message) => void asked.push(readRequest(message)),
    put: (target, { generation, ifindex, dmac, mtu }) => {
      under.push(generation);
      const to = addressText(target.subarray(4).some(Boolean) ? target : target.subarray(0, 4));
      const mac = Buffer.from(dmac)
        .toString('hex')
        .replace(/\B(?=(..)+$)/g, ':');
      put.push(ifindex === 0 ? `${to} none (${generation})` : `${to} ${ifindex} ${mac} ${mtu}`);
    },
    generations,
    clock,
    onLink: ({ name, removed }: LinkMessage) => void links.push(removed ? `-${name}` : name),
  });
  const say = (...messages: Uint8Array[]) => {
    for (const message of messages) hops.receive(message);
  };
  /** What was asked since the last call. */
  const requests = () => asked.splice(0);
  /** Answers the list that was asked for. */
  const list = (...lines: Uint8Array[]) => {
    const { seq } = requests()[0]!;
    say(...lines.map((line) => lineOf(seq, line)), doneMessage(seq));
  };
  const want = (address: string) => hops.want(addressBytes(address));
  return { hops, clock, put, under, links, generations, say, requests, list, want };
}

/** The same, its lists read: lo, eth0 and eth1, and what neighbours are given. */
function started(...neighbours: Uint8Array[]) {
  const made = nextHops();
  void made.hops.start();
  made.list(linkMessage(lo), linkMessage(eth0), linkMessage(eth1));
  made.list(...neighbours);
  made.generations.routeGeneration = 1;
  return made;
}

describe('a next hop', () => {
  test('on the link, its neighbour known, is found by one question', () => {
    const { want, say, requests, put } = started(neighbourMessage(2, '10.0.0.9', { mac: MAC }));
    want('10.0.0.9');
    want('10.0.0.9');
    const [lookup, ...more] = requests();
    expect(lookup).toMatchObject({ ask: 'route', address: '10.0.0.9' });
    expect(more).toEqual([]);
    say(routeMessage('10.0.0.9', 2, { seq: lookup!.seq }));
    expect(put).toEqual([`10.0.0.9 2 ${MAC} 1500`]);
  });

  test('behind a gateway has the hardware address of the gateway, for IPv6 too', () => {
    const gateway = 'fe80::1';
    const { want, say, requests, put } = started(neighbourMessage(3, gateway, { mac: MAC }));
    want('2001:db8::7');
    say(routeMessage('2001:db8::7', 3, { gateway, seq: requests()[0]!.seq }));
    expect(put).toEqual([`2001:db8::7 3 ${MAC} 9000`]);
  });

  test('whose neighbour is unknown is resolved by the kernel, and put when it tells', () => {
    const { want, say, requests, put } = started();
    want('10.0.0.9');
    say(routeMessage('10.0.0.9', 2, { seq: requests()[0]!.seq }));
    const [resolve] = requests();
    expect(resolve).toMatchObject({ ask: 'resolve', address: '10.0.0.9' });
    say(statusMessage(resolve!.seq, 0));
    say(neighbourMessage(2, '10.0.0.9', { state: 1 })); // INCOMPLETE
    expect(put).toEqual([]);
    say(neighbourMessage(2, '10.0.0.9', { mac: MAC }));
    expect(put).toEqual([`10.0.0.9 2 ${MAC} 1500`]);
  });

  test('whose neighbour is permanent is not resolved: that would take the state from it', () => {
    const permanent = neighbourMessage(2, '10.0.0.9', { mac: MAC, state: 0x80 });
    const { want, say, requests, put, clock } = started(permanent);
    want('10.0.0.9');
    say(routeMessage('10.0.0.9', 2, { seq: requests()[0]!.seq }));
    clock.advance(60_000);
    expect(requests()).toEqual([]);
    expect(put).toEqual([`10.0.0.9 2 ${MAC} 1500`]);
  });

  test('is put under the generation before the question, so that a change meanwhile counts', () => {
    const known = neighbourMessage(2, '10.0.0.9', { mac: MAC });
    const { want, say, requests, put, under, generations } = started(known);
    want('10.0.0.9');
    want('10.0.0.8');
    const [first, second] = requests();
    say(routeMessage('10.0.0.0', 2)); // news: the routes have changed
    expect(generations.routeGeneration).toBe(2);
    say(routeMessage('10.0.0.9', 2, { seq: first!.seq }));
    say(statusMessage(second!.seq, 101)); // ENETUNREACH
    expect(put).toEqual([`10.0.0.9 2 ${MAC} 1500`, '10.0.0.8 none (1)']);
    expect(under).toEqual([1, 1]);
  });

  test.each([
    ['a local destination', 2, 1],
    ['a blackhole', 6, 2],
    ['an interface without hardware addresses', 1, 1],
    ['an interface that nobody knows', 1, 77],
  ])('is none for %s', (_, type, oif) => {
    const { want, say, requests, put } = started();
    want('10.0.0.9');
    say(routeMessage('10.0.0.9', oif, { type, seq: requests()[0]!.seq }));
    expect(put).toEqual(['10.0.0.9 none (1)']);
  });

  test('is none when the kernel finds no neighbour', () => {
    const { want, say, requests, put } = started();
    want('10.0.0.9');
    say(routeMessage('10.0.0.9', 2, { seq: requests()[0]!.seq }));
    say(neighbourMessage(2, '10.0.0.9', { state: 0x20 })); // FAILED
    expect(put).toEqual(['10.0.0.9 none (1)']);
  });

  test('is none when nothing is heard for three seconds', () => {
    const { clock, want, put } = started();
    want('10.0.0.9');
    clock.advance(2900);
    expect(put).toEqual([]);
    clock.advance(100);
    expect(put).toEqual(['10.0.0.9 none (1)']);
  });

  test('is none when the kernel resolves for three seconds', () => {
    const { clock, want, say, requests, put } = started();
    want('10.0.0.9');
    clock.advance(2000);
    say(routeMessage('10.0.0.9', 2, { seq: requests()[0]!.seq }));
    say(statusMessage(requests()[0]!.seq, 0));
    clock.advance(1000);
    expect(put).toEqual(['10.0.0.9 none (1)']);
  });

  test('that was none is asked for again a second later', () => {
    const { clock, want, say, requests, put } = started();
    want('10.0.0.9');
    say(statusMessage(requests()[0]!.seq, 101));
    clock.advance(1000);
    expect(put).toEqual(['10.0.0.9 none (1)', '10.0.0.9 none (0)']);
    want('10.0.0.9');
    expect(requests()).toMatchObject([{ ask: 'route' }]);
  });

  test('is not spoilt by a late refusal of what was answered already', () => {
    const { want, say, requests, put } = started();
    want('10.0.0.9');
    say(routeMessage('10.0.0.9', 2, { seq: requests()[0]!.seq }));
    const [resolve] = requests();
    say(neighbourMessage(2, '10.0.0.9', { mac: MAC }), statusMessage(resolve!.seq, 17));
    expect(put).toEqual([`10.0.0.9 2 ${MAC} 1500`]);
  });

  test('is not answered by news that carry the same number', () => {
    const { want, say, requests, put, generations } = started();
    want('10.0.0.9');
    say(routeMessage('192.0.2.0', 3, { seq: requests()[0]!.seq }));
    expect(put).toEqual([]);
    expect(generations.routeGeneration).toBe(2);
  });
});

describe('the route generation', () => {
  const known = neighbourMessage(2, '10.0.0.9', { mac: MAC });

  test.each<[string, Uint8Array]>([
    ['a link that goes down', linkMessage({ ...eth0, up: false })],
    ['a link with another hardware address', linkMessage({ ...eth0, mac: OTHER_MAC })],
    ['a link with another MTU', linkMessage({ ...eth0, mtu: 1400 })],
    ['a link that is gone', linkMessage(eth0, { removed: true })],
    ['an address', addressMessage(2, '10.0.0.1')],
    ['a route', routeMessage('10.9.0.0', 2, { seq: 1_700_000_000 })],
    [
      'a neighbour with another hardware address',
      neighbourMessage(2, '10.0.0.9', { mac: OTHER_MAC }),
    ],
    ['a neighbour that fails', neighbourMessage(2, '10.0.0.9', { state: 0x20 })],
    ['a neighbour that is gone', neighbourMessage(2, '10.0.0.9', { mac: MAC, removed: true })],
    ['news that were lost', new Uint8Array(0)],
  ])('is raised by %s', (_, news) => {
    const { say, generations } = started(known);
    say(news);
    expect(generations.routeGeneration).toBeGreaterThan(1);
  });

  test.each<[string, Uint8Array]>([
    ['a link told again', linkMessage(eth0)],
    ['a new link', linkMessage({ ...eth0, ifindex: 9, name: 'eth9' })],
    ['a new neighbour', neighbourMessage(2, '10.0.0.10', { mac: OTHER_MAC })],
    ['a neighbour that goes stale', neighbourMessage(2, '10.0.0.9', { mac: MAC, state: 4 })],
    ['a neighbour that never was valid', neighbourMessage(2, '10.0.0.11', { state: 0x20 })],
  ])('stays with %s', (_, news) => {
    const { say, generations } = started(known);
    say(news);
    expect(generations.routeGeneration).toBe(1);
  });
});

describe('lists', () => {
  test('are of links, then of neighbours, and again when something changed meanwhile', async () => {
    const { hops, say, requests } = nextHops();
    const listed = hops.start();
    const seqs: number[] = [];
    const expectList = (ask: string) => {
      const [request, ...more] = requests();
      expect([request!.ask, more]).toEqual([ask, []]);
      seqs.push(request!.seq);
    };
    expectList('links');
    say(doneMessage(seqs[0]!));
    expectList('neighbours');
    say(doneMessage(seqs[1]!, { interrupted: true }));
    expectList('links');
    say(doneMessage(seqs[2]!));
    expectList('neighbours');
    say(doneMessage(seqs[3]!));
    expect(requests()).toEqual([]);
    await listed;
  });

  test('that were begun when news were lost wait for the one under way', () => {
    const { hops, say, requests } = nextHops();
    void hops.start();
    const [first] = requests();
    say(new Uint8Array(0));
    expect(requests()).toEqual([]);
    say(doneMessage(first!.seq));
    expect(requests()).toMatchObject([{ ask: 'links' }]);
  });
});

describe('lists after news were lost', () => {
  const known = neighbourMessage(2, '10.0.0.9', { mac: MAC });
  const lost = new Uint8Array(0);

  test('tell which links and neighbours have gone', () => {
    const { say, list, requests, links, generations, want, put } = started(
      known,
      neighbourMessage(2, '10.0.0.8', { mac: MAC }),
    );
    say(lost);
    links.length = 0;
    list(linkMessage(lo), linkMessage(eth0));
    expect(links).toEqual(['lo', 'eth0']);
    const before = generations.routeGeneration;
    list(known);
    expect(links).toEqual(['lo', 'eth0', '-eth1']);
    expect(generations.routeGeneration).toBeGreaterThan(before);

    want('10.0.0.9');
    say(routeMessage('10.0.0.9', 2, { seq: requests()[0]!.seq }));
    want('10.0.0.8');
    say(routeMessage('10.0.0.8', 2, { seq: requests()[0]!.seq }));
    expect(put).toEqual([`10.0.0.9 2 ${MAC} 1500`]);
  });

  test('count more than older news, which the kernel hands out after it tells of the loss', () => {
    const { say, list, links } = started();
    say(lost, linkMessage(eth1));
    list(linkMessage(lo), linkMessage(eth0));
    list();
    expect(links.slice(-1)).toEqual(['-eth1']);
  });

  test('count more than the lines of a list that was under way', () => {
    const { say, list, requests, links } = started();
    say(lost);
    const { seq } = requests()[0]!;
    say(lost, ...[lo, eth0, eth1].map((link) => linkMessage(link, { seq })), doneMessage(seq));
    list(linkMessage(lo), linkMessage(eth0));
    list();
    expect(links.slice(-1)).toEqual(['-eth1']);
  });

  test('count less than news that come while they are made', () => {
    const { say, list, requests, links, generations } = started(known);
    say(lost);
    const { seq } = requests()[0]!;
    say(linkMessage(lo, { seq }), linkMessage(eth1), linkMessage(eth0, { seq }), doneMessage(seq));
    const before = generations.routeGeneration;
    list(known);
    expect(links.slice(-1)).toEqual(['eth0']);
    expect(generations.routeGeneration).toBe(before);
  });
});

describe('neighbours that have gone stale', () => {
  const stale = (x: number, ifindex = 2) =>
    neighbourMessage(ifindex, `10.0.${x >> 8}.${x & 255}`, { mac: MAC, state: 4 });

  test('are asked for every five seconds, as long as their link has hardware addresses', () => {
    const { clock, requests } = started(stale(1), stale(2, 1));
    clock.advance(5000);
    expect(requests()).toMatchObject([{ ask: 'resolve', address: '10.0.0.1' }]);
    clock.advance(4000);
    expect(requests()).toEqual([]);
  });

  test('take turns where there are many', () => {
    const { clock, requests } = started(...Array.from({ length: 300 }, (_, x) => stale(x)));
    clock.advance(5000);
    const first = requests().map((request) => 'address' in request && request.address);
    clock.advance(5000);
    const second = requests().map((request) => 'address' in request && request.address);
    expect([first.length, second.length]).toEqual([256, 256]);
    expect(new Set([...first, ...second]).size).toBe(300);
  });
});

test('stopped, it asks no more', () => {
  const { hops, clock, requests } = started(
    neighbourMessage(2, '10.0.0.9', { mac: MAC, state: 4 }),
  );
  hops.stop();
  clock.advance(60_000);
  expect(requests()).toEqual([]);
});
