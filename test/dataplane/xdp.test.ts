import { describe, expect, test } from 'vitest';
import { XdpDataplane } from '../../ts/dataplane/xdp.ts';
import { DEFAULT_TIMEOUTS } from '../../ts/lvs/connection.ts';
import { NO_COUNTERS } from '../../ts/lvs/counters.ts';
import {
  Connection,
  ConnectionState,
  Counters,
  Destination,
  Limits,
  Settings,
  SlotPhase,
  Verdict,
  VerdictCounters,
} from '../../ts/native/abi.gen.ts';
import { addressBytes } from '../../ts/net/address.ts';
import { FAKE, fakeAddon, fakeObject } from '../support/fake_bpf.ts';
import { destination, service } from '../support/rules.ts';

function dataplane(ticks = { jiffies: 0, hz: 250 }) {
  const { object, maps, view } = fakeObject();
  const { addon, added } = fakeAddon();
  const xdp = new XdpDataplane({ addon, object, clock: () => ticks });
  return { maps, view, added, dataplane: xdp };
}

test('fresh maps get a layout version, a first route generation and a secret', () => {
  const { dataplane: xdp, view } = dataplane();
  xdp.initialize((size) => new Uint8Array(size).fill(7));
  const { at, count } = Settings.hashKeys;
  const keys = new BigUint64Array(view('settings').buffer, at, count);
  expect([...keys]).toEqual(Array(count).fill(0x0707_0707_0707_0707n));
  expect(Settings.abiVersion(view('settings'), 0)).toBe(Limits.ABI_VERSION);
  expect(xdp.routeGeneration).toBe(1);
  expect(xdp.tableSize).toBe(FAKE.connections);
});

test('the route generation runs over to 1, since 0 says that nothing is known', () => {
  const { dataplane: xdp, view } = dataplane();
  Settings.setRouteGeneration(view('settings'), 0, 0xffff_ffff);
  xdp.raiseRouteGeneration();
  expect(xdp.routeGeneration).toBe(1);
});

test('a service is a key in network order, whose value is its index', () => {
  const { dataplane: xdp, maps } = dataplane();
  xdp.putService(258, service({ protocol: 'udp', port: 53 }));
  const key = Uint8Array.of(192, 0, 2, 1, ...new Array(12).fill(0), 0, 53, 17, 4);
  expect(maps.services!.get(key)).toEqual(Uint8Array.of(2, 1, 0, 0));
  xdp.removeService(258, service({ protocol: 'udp', port: 53 }));
  expect(maps.services!.keys()).toEqual([]);
});

test('one service too many is refused as such', () => {
  const { dataplane: xdp, maps } = dataplane();
  maps.services!.maxEntries = 1;
  xdp.putService(0, service());
  const refused = expect.objectContaining({ name: 'LvsError', code: 'TABLE_FULL' });
  expect(() => xdp.putService(1, service({ port: 81 }))).toThrow(refused);
});

test('services that nobody has any more are taken out', () => {
  const { dataplane: xdp, maps } = dataplane();
  const [kept, gone] = [service(), service({ address: '2001:db8::1' })];
  xdp.putService(0, kept);
  xdp.putService(1, gone);
  xdp.keepServices([kept]);
  expect(maps.services!.keys()).toHaveLength(1);
});

test('a destination says where and how new connections go, until it is removed', () => {
  const { dataplane: xdp, view } = dataplane();
  const address = '2001:db8::2';
  const spec = destination(0, { address, port: 8080, method: 'route', weight: 5 });
  xdp.putDestination(3, spec, service());
  const at = 3 * Destination.size;
  const memory = view('destinations');
  expect(new Uint8Array(memory.buffer, at, 16)).toEqual(addressBytes(address));
  expect(Destination.dport(memory, at)).toBe(8080);
  expect(Destination.method(memory, at)).toBe(1);
  expect(Destination.family(memory, at)).toBe(6);
  expect(Destination.available(memory, at)).toBe(1);

  expect(Destination.weight(memory, at)).toBe(5);

  Destination.setActive(memory, at, 1);
  xdp.removeDestination(3);
  expect(Destination.available(memory, at)).toBe(0);
  expect(xdp.activeConnections(3)).toBe(1);

  xdp.clearDestination(3);
  expect(xdp.activeConnections(3)).toBe(0);
  expect(new Uint8Array(memory.buffer, at, 16)).toEqual(new Uint8Array(16));
});

test('addresses are ours as long as a service, or a connection of one, may need them', () => {
  const { dataplane: xdp, added } = dataplane();
  xdp.putService(0, service());
  xdp.putDestination(3, destination(9), service());
  xdp.putDestination(3, destination(9, { weight: 0 }), service());
  expect(added).toEqual(['192.0.2.1 1', '10.0.0.9 2']);
  xdp.removeService(0, service());
  xdp.removeDestination(3);
  expect(added).toEqual(['192.0.2.1 1', '10.0.0.9 2']);
  xdp.clearDestination(3);
  expect(added).toEqual([]);
});

test('connections count from their decision on, for their own destination', () => {
  const { dataplane: xdp, view } = dataplane();
  Destination.setInactive(view('destinations'), Destination.size, 4);
  xdp.bind(1, true);
  xdp.bind(1, true);
  xdp.bind(1, false);
  expect([xdp.activeConnections(1), xdp.inactiveConnections(1)]).toEqual([2, 5]);
  expect(new Uint32Array(xdp.pending, 8, 2)).toEqual(Uint32Array.of(1, 2));
  expect([xdp.activeConnections(0), xdp.inactiveConnections(2)]).toEqual([0, 0]);
});

describe('a destination is overloaded', () => {
  const limited = (upperThreshold: number) => destination(9, { upperThreshold, lowerThreshold: 1 });

  test('when XDP says so, until a higher upper threshold is told, or none', () => {
    const { dataplane: xdp, view } = dataplane();
    const overload = () => Destination.setOverloaded(view('destinations'), Destination.size, 1);
    xdp.putDestination(1, limited(4), service());
    expect(Destination.upper(view('destinations'), Destination.size)).toBe(4);
    expect(Destination.lower(view('destinations'), Destination.size)).toBe(1);
    overload();
    const isOverloaded = [4, 3, 5, 4, 0].map((upper) => {
      overload();
      xdp.putDestination(1, upper === 0 ? destination(9) : limited(upper), service());
      return xdp.isOverloaded(1);
    });
    expect(isOverloaded).toEqual([true, true, false, true, false]);
  });

  test('when connections that were decided on, but are not in the table yet, reach it', () => {
    const { dataplane: xdp, view } = dataplane();
    xdp.putDestination(1, limited(4), service());
    Destination.setInactive(view('destinations'), Destination.size, 3);
    expect(xdp.isOverloaded(1)).toBe(false);
    xdp.bind(1, true);
    expect(xdp.isOverloaded(1)).toBe(true);
    xdp.putDestination(2, destination(8), service());
    xdp.bind(2, true);
    expect(xdp.isOverloaded(2)).toBe(false);
  });
});

test('activity is another number whenever a shard counts something', () => {
  const { dataplane: xdp, view } = dataplane();
  const seen = new Set([xdp.activity(5)]);
  for (let element = 0; element <= FAKE.cpus; element++) {
    const at = (element * Limits.MAX_DESTINATIONS + 5) * Counters.size;
    Counters.setConnections(view('destination_counters'), at, 1n);
    seen.add(xdp.activity(5));
    Counters.setOutPackets(view('destination_counters'), at, 7n);
    seen.add(xdp.activity(5));
  }
  expect(seen.size).toBe(1 + 2 * (FAKE.cpus + 1));
});

test("counters are the sum of every CPU's and the slow path's, until they are cleared", () => {
  const { dataplane: xdp, view } = dataplane();
  const memory = view('destination_counters');
  for (let element = 0; element <= FAKE.cpus; element++) {
    const at = (element * Limits.MAX_DESTINATIONS + 5) * Counters.size;
    Counters.setConnections(memory, at, 1n);
    Counters.setInBytes(memory, at, 1n << BigInt(40 + element));
  }
  Counters.setInPackets(memory, 4 * Counters.size, 9n);
  const total = { ...NO_COUNTERS, connections: 3n, inBytes: 7n << 40n };
  expect(xdp.counters(5)).toEqual(total);
  xdp.clearDestination(5);
  expect(xdp.counters(5)).toEqual(NO_COUNTERS);
  expect(xdp.counters(4).inPackets).toBe(9n);
});

test('timeouts are written in ticks, each at its state', () => {
  const { dataplane: xdp, view } = dataplane();
  xdp.setTimeouts({ ...DEFAULT_TIMEOUTS, tcpS: 1000, udpS: 7 });
  const ticks = new Uint32Array(view('settings').buffer, Settings.timeoutJiffies.at);
  expect(ticks[ConnectionState.ESTABLISHED]).toBe(250_000);
  expect(ticks[ConnectionState.UDP]).toBe(1750);
  expect(ticks[ConnectionState.SYN_RECV]).toBe(15_000);
});

test('every verdict is counted by its name, over all CPUs', () => {
  const { dataplane: xdp, view } = dataplane();
  for (let element = 0; element <= FAKE.cpus; element++) {
    const at = element * VerdictCounters.size + 8 * Verdict.DROPPED_NO_ROUTE;
    view('verdicts').setBigUint64(at, 5n, true);
  }
  const verdicts = xdp.verdicts();
  expect(Object.keys(verdicts)).toHaveLength(Verdict.VERDICTS);
  expect(verdicts).toMatchObject({ dropped_no_route: 15n, forwarded_in: 0n });
});

test('connections are listed as they stand in the table, without free and unused slots', () => {
  // 2 s after the packet; the kernel's clock has run over between them.
  const { dataplane: xdp, view } = dataplane({ jiffies: 400, hz: 250 });
  const table = view('connections');
  const tags = new Uint8Array(view('buckets').buffer);
  const put = (slot: number, state: number, tag = 0x81): void => {
    tags[Math.floor(slot / Limits.WAYS) * 8 + (slot % Limits.WAYS)] = tag;
    const at = slot * Connection.size;
    new Uint8Array(table.buffer, at + Connection.caddrAt, 4).set(addressBytes('198.51.100.7'));
    new Uint8Array(table.buffer, at + Connection.vaddrAt, 4).set(addressBytes('192.0.2.1'));
    new Uint8Array(table.buffer, at + Connection.daddrAt, 4).set(addressBytes('10.0.0.2'));
    Connection.setCport(table, at, 40_000 + slot);
    Connection.setVport(table, at, 80);
    Connection.setDport(table, at, 8080);
    Connection.setProtocol(table, at, 6);
    Connection.setFamily(table, at, 4);
    Connection.setState(table, at, state);
    Connection.setSeenJiffies(table, at, 0xffff_ffff - 99);
    Connection.setTimeoutJiffies(table, at, 900 * 250);
  };
  const live = SlotPhase.LIVE | ConnectionState.ESTABLISHED;
  put(0, live);
  put(1, SlotPhase.LIFE | ConnectionState.CLOSE);
  put(2, live, 0);
  put(3, live, 0xff); // the second slot of an IPv6 connection
  put(4, SlotPhase.OPENING);
  put(8, 3 * SlotPhase.LIFE + live);
  const rows = [...xdp.connections()];
  expect(rows.map(({ clientPort }) => clientPort)).toEqual([40_000, 40_008]);
  expect(rows[0]).toEqual({
    protocol: 'tcp',
    state: 'ESTABLISHED',
    expiresS: 898,
    clientAddress: '198.51.100.7',
    clientPort: 40_000,
    virtualAddress: '192.0.2.1',
    virtualPort: 80,
    destinationAddress: '10.0.0.2',
    destinationPort: 8080,
  });
});

test('counts are put right only while they are as they were found', () => {
  const { dataplane: xdp, view } = dataplane();
  const at = 3 * Destination.size;
  Destination.setActive(view('destinations'), at, 0xffff_ffff);
  Destination.setInactive(view('destinations'), at, 2);
  Destination.setOverloaded(view('destinations'), at, 1);
  Destination.setPersistent(view('destinations'), at, 7);
  const counts = () => [
    xdp.activeConnections(3),
    xdp.inactiveConnections(3),
    xdp.persistentConnections(3),
  ];
  const counted = { active: 0xffff_ffff, inactive: 2, persistent: 7 };
  const held = { active: 4, inactive: 1, persistent: 3 };
  const moved = { destination: 3, counted: { ...counted, active: 0, persistent: 8 }, held };
  expect(xdp.correctCounts(moved)).toBe(false);
  expect(counts()).toEqual([0xffff_ffff, 2, 7]);
  expect(xdp.correctCounts({ ...moved, counted })).toBe(true);
  expect(counts()).toEqual([4, 1, 3]);
  expect(Destination.overloaded(view('destinations'), at)).toBe(0);
});
