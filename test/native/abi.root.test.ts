import { afterAll, beforeAll, expect, test } from 'vitest';
import { mapSizes, XdpDataplane } from '../../ts/dataplane/xdp.ts';
import {
  Connection,
  Counters,
  Destination,
  Flow,
  FlowEntry,
  Limits,
  ServiceKey,
  Settings,
  VerdictCounters,
} from '../../ts/native/abi.gen.ts';
import { type BpfObject, loadAddon, objectPath } from '../../ts/native/addon.ts';
import { destination, service } from '../support/rules.ts';

const CONNECTIONS = 64;
let object: BpfObject;

// Loaded, and attached to nothing.
beforeAll(() => {
  const addon = loadAddon();
  const maxEntries = mapSizes(CONNECTIONS, addon.possibleCpus());
  object = new addon.BpfObject(objectPath(), { maxEntries, reuse: {} });
});
afterAll(() => object?.close());

test.each([
  ['settings', 4, Settings.size],
  ['flows', Flow.size, FlowEntry.size],
  ['connections', 4, Connection.size],
  ['services', ServiceKey.size, 4],
  ['destinations', 4, Destination.size],
  ['destination_counters', 4, Counters.size],
  ['verdicts', 4, VerdictCounters.size],
])('keys and values of the map %s have the sizes of their types', (name, keySize, valueSize) => {
  const map = object.map(name);
  expect([map.keySize, map.valueSize]).toEqual([keySize, valueSize]);
});

test('a full table of services is refused as such, and takes one more after a removal', () => {
  const xdp = new XdpDataplane(object, () => ({ jiffies: 0, hz: 250 }));
  const of = (index: number) => service({ port: 1 + index });
  for (let index = 0; index < Limits.MAX_SERVICES; index++) xdp.putService(index, of(index));
  const full = expect.objectContaining({ code: 'TABLE_FULL' });
  expect(() => xdp.putService(0, of(Limits.MAX_SERVICES))).toThrow(full);
  xdp.removeService(7, of(7));
  xdp.putService(7, of(Limits.MAX_SERVICES));
  xdp.keepServices([of(3)]);
  expect(object.map('services').keys()).toHaveLength(1);
});

test('the kernel reads what the daemon writes into shared memory', () => {
  const xdp = new XdpDataplane(object, () => ({ jiffies: 0, hz: 250 }));
  expect(xdp.tableSize).toBe(CONNECTIONS);
  xdp.putDestination(300, destination(9, { port: 8080 }));
  xdp.bind(300, true);
  const key = new Uint8Array(Uint32Array.of(300).buffer);
  const value = object.map('destinations').get(key)!;
  const view = new DataView(value.buffer, value.byteOffset);
  expect([...value.subarray(0, 4)]).toEqual([10, 0, 0, 9]);
  expect(Destination.dport(view, 0)).toBe(8080);
  expect(Destination.active(view, 0)).toBe(1);
  expect(Destination.available(view, 0)).toBe(1);
});
