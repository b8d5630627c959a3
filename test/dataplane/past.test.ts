import { describe, expect, test } from 'vitest';
import { moveConnections, moveCounters } from '../../ts/daemon/migration.ts';
import { PastDataPlane } from '../../ts/dataplane/past.ts';
import type { BpfMap, Fields, Layout } from '../../ts/native/addon.ts';

/*
 * Layouts that no version ever had: what is read must come from the names alone.
 */

/** Fields one behind the other: `name:bytes`, with a `>` in network order. */
function fields(text: string): Fields {
  let offset = 0;
  const entries = text.split(' ').map((word) => {
    const [, name = '', size, order] = /^(\w+):(\d+)(>?)$/.exec(word) ?? [];
    const field = { offset, size: Number(size), bigEndian: order === '>' };
    offset += field.size;
    return [name, field] as const;
  });
  return Object.fromEntries(entries);
}

type Row = Readonly<Record<string, number | readonly number[]>>;

/** An array map with rows of one struct. */
function arrayMap(layout: Layout, struct: string, valueSize: number, rows: readonly Row[]): BpfMap {
  const rowBytes = Math.ceil(valueSize / 8) * 8;
  const memory = new ArrayBuffer(rowBytes * rows.length);
  const view = new DataView(memory);
  rows.forEach((row, i) => {
    for (const [name, value] of Object.entries(row)) {
      const [of, field] = name.includes('.') ? name.split('.') : [struct, name];
      const { offset, size, bigEndian } = layout.structs[of!]![field!]!;
      const at = i * rowBytes + offset;
      if (typeof value !== 'number') new Uint8Array(memory, at, size).set(value);
      else if (size === 1) view.setUint8(at, value);
      else if (size === 2) view.setUint16(at, value, !bigEndian);
      else if (size === 4) view.setUint32(at, value, !bigEndian);
      else view.setBigUint64(at, BigInt(value), true);
    }
  });
  const unused = (): never => {
    throw new Error('not of this test');
  };
  const unusedMethods = { get: unused, set: unused, keys: unused, delete: unused };
  const sizes = { id: 1, keySize: 4, valueSize, maxEntries: rows.length };
  return { ...unusedMethods, ...sizes, mmap: () => memory, layout: () => layout };
}

/** The data plane of a program with these maps. */
function past(layout: Layout, sizes: Record<string, number>, rows: Record<string, Row[]>) {
  const maps = [
    arrayMap(layout, 'settings', sizes.settings!, rows.settings!),
    arrayMap(layout, 'connection', sizes.connection!, rows.connection!),
    arrayMap(layout, 'counters', sizes.counters!, rows.counters ?? []),
  ];
  const ids = { settings: 0, connections: 1, destination_cou: 2 };
  const program = {
    id: 7,
    tag: '',
    mode: 'native',
    alone: true,
    hidden: false,
    maps: ids,
  } as const;
  return new PastDataPlane(program, (id) => maps[id]!);
}

const scrambled: Layout = {
  structs: {
    settings: fields('slots_used:2 abi_version:4'),
    connection: fields(
      'state:4 vport:2> daddr:16 method:1 cport:2> timeout_jiffies:4 caddr:16 family:1 ' +
        'protocol:1 dport:2 vaddr:16 destination:2',
    ),
    counters: fields('out_bytes:8 connections:8'),
  },
  enums: {
    connection_state: { STATE_TIME_WAIT: 3, STATE_ESTABLISHED: 40, STATE_LIVE: 1024 },
    forwarding_method: { METHOD_ROUTE: 9, METHOD_MASQ: 8 },
    family: { FAMILY_IPV4: 1, FAMILY_IPV6: 2 },
    limits: { MAX_DESTINATIONS: 2 },
  },
};

describe('a layout of the past', () => {
  const plane = past(
    scrambled,
    { settings: 6, connection: 71, counters: 16 },
    {
      settings: [{ abi_version: 77, slots_used: 3 }],
      connection: [
        { state: 40, caddr: [1], family: 1 }, // ended: not live
        {
          state: 1024 + 40,
          family: 1,
          caddr: [198, 51, 100, 7],
          vaddr: [203, 0, 113, 1],
          daddr: [10, 0, 0, 2],
          cport: 40000,
          vport: 80,
          dport: 8080,
          protocol: 6,
          destination: 1,
          method: 9,
          timeout_jiffies: 225_000,
        },
        { state: 1024 + 3, family: 2, caddr: Array(16).fill(0xfd), method: 8, destination: 300 },
        { state: 1024 + 40, family: 1 }, // behind what was ever used
      ],
      counters: [
        { connections: 1, out_bytes: 10 },
        { connections: 2, out_bytes: 20 },
        { connections: 4, out_bytes: 40 },
        { connections: 8, out_bytes: 80 },
      ],
    },
  );

  test('tells its version', () => {
    expect(plane.version).toBe(77);
  });

  test('is read by names; what it did not have is 0', () => {
    const [ipv4, ipv6, ...more] = plane.connections();
    expect(more).toEqual([]);
    expect(ipv4).toEqual({
      caddr: Uint8Array.of(198, 51, 100, 7),
      vaddr: Uint8Array.of(203, 0, 113, 1),
      daddr: Uint8Array.of(10, 0, 0, 2),
      cport: 40000,
      vport: 80,
      dport: 8080,
      protocol: 6,
      destination: 1,
      state: 'ESTABLISHED',
      method: 'route',
      seenJiffies: 0,
      timeoutJiffies: 225_000,
      isTemplate: false,
    });
    expect(ipv6).toMatchObject({ state: 'TIME_WAIT', method: 'masq', destination: 300 });
    expect(ipv6?.caddr).toEqual(new Uint8Array(16).fill(0xfd));
  });

  test('gives the counters of all CPUs', () => {
    expect(plane.counters(1)).toEqual({
      connections: 10n,
      inPackets: 0n,
      outPackets: 0n,
      inBytes: 0n,
      outBytes: 100n,
    });
  });

  test('gives what rules know of to its successor, and once', () => {
    const entered: number[] = [];
    const target = {
      hasDestination: (index: number) => index !== 300,
      enter: ({ destination }: { destination: number }) =>
        !entered.includes(destination) && entered.push(destination) > 0,
    };
    expect([moveConnections(plane, target), moveConnections(plane, target)]).toEqual([1, 0]);
    expect(entered).toEqual([1]);

    const added: unknown[] = [];
    moveCounters(plane, [1], (index, { connections }) => added.push([index, connections]));
    expect(added).toEqual([[1, 10n]]);
  });
});

test('the addresses of an IPv6 connection may fill a slot of their own', () => {
  const layout: Layout = {
    structs: {
      settings: fields('abi_version:4 destinations:4'),
      connection: fields('caddr:4 vaddr:4 daddr:4 family:1 state:4'),
      connection_addresses: fields('caddr:16 vaddr:16 daddr:16'),
      counters: fields('connections:8'),
    },
    enums: {
      connection_state: { STATE_UDP: 11 },
      slot_phase: { SLOT_STATE: 0xff, SLOT_PHASE: 0x300, SLOT_CLAIMED: 0x100, SLOT_LIVE: 0x300 },
      family: { FAMILY_IPV6: 6 },
    },
  };
  const addresses = (byte: number) => Array(16).fill(byte);
  const plane = past(
    layout,
    { settings: 8, connection: 48, counters: 8 },
    {
      settings: [{ abi_version: 2, destinations: 4 }],
      connection: [
        { state: 0x10b, family: 4 }, // claimed, not live yet
        { state: 0x30b, family: 6, caddr: [1, 1, 1, 1] },
        // Its bytes would look like a connection's state.
        {
          'connection_addresses.caddr': addresses(0x0b),
          'connection_addresses.vaddr': addresses(3),
        },
        { state: 0x70b, family: 4, caddr: [192, 0, 2, 1] }, // in its second life
      ],
    },
  );
  const found = [...plane.connections()].map(({ caddr, state }) => [state, caddr]);
  expect(found).toEqual([
    ['UDP', new Uint8Array(16).fill(0x0b)],
    ['UDP', Uint8Array.of(192, 0, 2, 1)],
  ]);
});
