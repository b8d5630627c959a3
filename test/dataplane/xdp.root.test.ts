import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { word } from '../../ts/dataplane/encoding.ts';
import { mapSizes, XdpDataplane } from '../../ts/dataplane/xdp.ts';
import { DEFAULT_TIMEOUTS } from '../../ts/lvs/connection.ts';
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
import { type BpfMap, type BpfObject, loadAddon, objectPath } from '../../ts/native/addon.ts';
import { addressBytes } from '../../ts/net/address.ts';
import { destination, service } from '../support/rules.ts';

/*
 *   this test -> system calls -> the kernel's maps <- memory that is shared <- XdpDataplane
 *
 * The object is loaded, and attached to nothing.
 */
const CONNECTIONS = 65;
const SERVICES = 2;
const HZ = 250;
const addon = loadAddon();
const cpus = addon.possibleCpus();
let object: BpfObject;
let xdp: XdpDataplane;

beforeEach(() => {
  const maxEntries = { ...mapSizes({ connections: CONNECTIONS, cpus }), services: SERVICES };
  object = new addon.BpfObject(objectPath(), { maxEntries, reuse: {} });
  xdp = new XdpDataplane({ addon, object, clock: () => ({ jiffies: 10_000, hz: HZ }) });
});
afterEach(() => object?.close());

/** Writes one element of an array map. */
function write(map: BpfMap, index: number, fill: (view: DataView) => void): void {
  const value = new Uint8Array(map.valueSize);
  fill(new DataView(value.buffer));
  map.set(word(index), value);
}

/** Reads one element of an array map. */
function read(map: BpfMap, index: number): DataView {
  const value = map.get(word(index))!;
  return new DataView(value.buffer, value.byteOffset, value.length);
}

test('a full table of services is refused as such, and takes one more after a removal', () => {
  const [first, second, third] = [1, 2, 3].map((port) => service({ port }));
  xdp.putService(0, first!);
  xdp.putService(1, second!);
  const full = expect.objectContaining({ name: 'LvsError', code: 'TABLE_FULL' });
  expect(() => xdp.putService(2, third!)).toThrow(full);
  xdp.putService(5, first!); // no new one
  xdp.removeService(1, second!);
  xdp.putService(2, third!);
  xdp.keepServices([third!]);
  const services = object.map('services');
  expect(services.keys().map((key) => services.get(key))).toEqual([word(2)]);
});

test('a destination is where XDP looks for it, also the last', () => {
  const index = Limits.MAX_DESTINATIONS - 1;
  xdp.putDestination(index, destination(9, { port: 8080, method: 'route' }), service());
  const element = read(object.map('destinations'), index);
  expect(new Uint8Array(element.buffer, element.byteOffset, 4)).toEqual(addressBytes('10.0.0.9'));
  expect(Destination.dport(element, 0)).toBe(8080);
  expect(Destination.method(element, 0)).toBe(1);
  expect(Destination.available(element, 0)).toBe(1);
  expect(Destination.weight(element, 0)).toBe(1);
});

test("counters are the sum of every CPU's and the slow path's", () => {
  const counters = object.map('destination_counters');
  for (let shard = 0; shard <= cpus; shard++) {
    write(counters, shard * Limits.MAX_DESTINATIONS + 300, (view) => {
      Counters.setConnections(view, 0, 1n);
      Counters.setOutBytes(view, 0, 1n << 40n);
    });
  }
  const shards = BigInt(cpus + 1);
  expect(xdp.counters(300)).toMatchObject({ connections: shards, outBytes: shards << 40n });
  expect([xdp.counters(299).connections, xdp.counters(301).connections]).toEqual([0n, 0n]);
  xdp.clearDestination(300);
  expect(Counters.connections(read(counters, cpus * Limits.MAX_DESTINATIONS + 300), 0)).toBe(0n);
});

test('verdicts are the sum of the same, by name', () => {
  const { at, elementSize } = VerdictCounters.packets;
  for (let shard = 0; shard <= cpus; shard++) {
    write(object.map('verdicts'), shard, (view) =>
      view.setBigUint64(at + Verdict.DROPPED_BACKLOG * elementSize, 5n, true),
    );
  }
  expect(xdp.verdicts()).toMatchObject({
    dropped_backlog: 5n * BigInt(cpus + 1),
    forwarded_in: 0n,
  });
});

test('XDP reads the version, the route generation and the timeouts', () => {
  xdp.initialize(randomBytes);
  xdp.raiseRouteGeneration();
  xdp.setTimeouts({ ...DEFAULT_TIMEOUTS, udpS: 7 });
  const settings = read(object.map('settings'), 0);
  const { at, elementSize } = Settings.timeoutJiffies;
  expect(Settings.abiVersion(settings, 0)).toBe(Limits.ABI_VERSION);
  expect(Settings.routeGeneration(settings, 0)).toBe(2);
  expect(settings.getUint32(at + ConnectionState.UDP * elementSize, true)).toBe(7 * HZ);
});

test('a connection is listed with what is left of its time', () => {
  expect(xdp.tableSize).toBe(CONNECTIONS);
  const { buckets, connections } = mapSizes({ connections: CONNECTIONS, cpus });
  write(object.map('buckets'), buckets - 1, (view) => view.setUint8(Limits.WAYS - 1, 0x80));
  write(object.map('connections'), connections - 1, (view) => {
    const put = (at: number, address: string) =>
      new Uint8Array(view.buffer, at).set(addressBytes(address));
    put(Connection.caddrAt, '198.51.100.7');
    put(Connection.vaddrAt, '192.0.2.1');
    put(Connection.daddrAt, '10.0.0.2');
    Connection.setCport(view, 0, 40_000);
    Connection.setVport(view, 0, 53);
    Connection.setDport(view, 0, 5353);
    Connection.setProtocol(view, 0, 17);
    Connection.setFamily(view, 0, 4);
    Connection.setState(view, 0, SlotPhase.LIVE | ConnectionState.UDP);
    Connection.setSeenJiffies(view, 0, 10_000 - 10 * HZ);
    Connection.setTimeoutJiffies(view, 0, 300 * HZ);
  });
  expect([...xdp.connections()]).toEqual([
    {
      protocol: 'udp',
      state: 'UDP',
      expiresS: 290,
      clientAddress: '198.51.100.7',
      clientPort: 40_000,
      virtualAddress: '192.0.2.1',
      virtualPort: 53,
      destinationAddress: '10.0.0.2',
      destinationPort: 5353,
    },
  ]);
});
