import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  Connection,
  Counters,
  Destination,
  Interface,
  NextHop,
  Schedule,
  ServiceKey,
  Settings,
  StationLine,
  TicketLine,
  VerdictCounters,
} from '../../ts/native/abi.gen.ts';
import { type BpfObject, loadAddon, objectPath } from '../../ts/native/addon.ts';

// A machine without bpf-linker has the object of bpftool alone.
const built = ['director.bpftool.o', 'director.bpf_linker.o']
  .map((name) => join(dirname(objectPath()), name))
  .filter((path) => existsSync(path));

test('there is an object to look at', () => expect(built).not.toEqual([]));

describe.each(built.map((path) => [basename(path), path]))('in %s', (_, path) => {
  let object: BpfObject;

  // Loaded, and attached to nothing.
  beforeAll(() => {
    object = new (loadAddon().BpfObject)(path, { maxEntries: {}, reuse: {} });
  });
  afterAll(() => object?.close());

  test.each([
    ['settings', 4, Settings.size],
    ['addresses', 4, 8],
    ['stations', 4, StationLine.size],
    ['buckets', 4, 8],
    ['connections', 4, Connection.size],
    ['services', ServiceKey.size, 4],
    ['destinations', 4, Destination.size],
    ['destination_counters', 4, Counters.size],
    ['schedules', 4, Schedule.size],
    ['rings', 4, TicketLine.size],
    ['next_hops', 4, NextHop.size],
    ['verdicts', 4, VerdictCounters.size],
    ['interfaces', 4, Interface.size],
    ['sockets', 4, 4],
  ])('keys and values of the map %s have the sizes of their types', (name, keySize, valueSize) => {
    const map = object.map(name);
    expect([map.keySize, map.valueSize]).toEqual([keySize, valueSize]);
  });
});
