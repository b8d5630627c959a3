import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CONNECTION_STATES } from '../../ts/lvs/connection.ts';
import {
  Connection,
  ConnectionState,
  Counters,
  Destination,
  Flow,
  Limits,
  Settings,
  VerdictCounters,
} from '../../ts/native/abi.gen.ts';
import { addonPath, loadAddon } from '../../ts/native/addon.ts';
import {
  BTF_OBJECT,
  BTF_PATH,
  type BtfType,
  emit,
  generate,
  generateStates,
} from '../../ts/native/gen_abi.ts';

const noBpftool = spawnSync('bpftool', ['version'], { env: { PATH: BTF_PATH } }).error;
const noObject = !existsSync(BTF_OBJECT);

test('abi.gen.ts is what the built object says', ({ skip }) => {
  skip(noBpftool !== undefined, 'needs bpftool');
  skip(noObject, 'needs the built BPF object');
  expect(generate()).toBe(readFileSync('ts/native/abi.gen.ts', 'utf8'));
});

test('state.gen.ts is the table of the built object', ({ skip }) => {
  skip(noBpftool !== undefined, 'needs bpftool');
  skip(noObject, 'needs the built BPF object');
  expect(generateStates()).toBe(readFileSync('ts/lvs/state.gen.ts', 'utf8'));
});

test('g++ gives the structs the sizes that clang gave them', ({ skip }) => {
  skip(!existsSync(addonPath()), 'needs the built addon');
  const memory = new (loadAddon().MemoryDirector)();
  expect(memory.settings.byteLength).toBe(Settings.size);
  expect(memory.destinations.byteLength % Destination.size).toBe(0);
  expect(memory.connections.byteLength / Connection.size).toBe(
    (memory.buckets.byteLength / 8) * Limits.WAYS,
  );
  expect(memory.counters.byteLength / Counters.size).toBe(
    memory.destinations.byteLength / Destination.size,
  );
  expect(memory.verdicts.byteLength).toBe(VerdictCounters.size);
});

test('the states of connections have the same names and numbers as in ts/lvs', () => {
  const { STATES, STATES_ROOM, ...states } = ConnectionState;
  expect(Object.entries(states)).toEqual(CONNECTION_STATES.map((name, number) => [name, number]));
  expect(STATES).toBe(CONNECTION_STATES.length);
  expect(STATES).toBeLessThanOrEqual(STATES_ROOM);
});

test('ports are in network order, times in the order of the machine', () => {
  const view = new DataView(new ArrayBuffer(Connection.size));
  Connection.setVport(view, 0, 0x1234);
  Connection.setSeenJiffies(view, 0, 0x1234_5678);
  expect([view.getUint8(Connection.vportAt), view.getUint8(Connection.vportAt + 1)]).toEqual([
    0x12, 0x34,
  ]);
  expect(view.getUint8(Connection.seenJiffiesAt)).toBe(0x78);
  expect(Connection.vport(view, 0)).toBe(0x1234);
});

test('nested structs are where their own fields are counted from', () => {
  expect(Flow.daddrAt - Flow.saddrAt).toBe(16);
});

/** A BTF with a struct of these members, in the form of `bpftool -j btf dump file`. */
function structOf(size: number, members: NonNullable<BtfType['members']>): readonly BtfType[] {
  const names = ['__u8', '__be16', '__u32', '__u64'];
  const integers = names.map((name, i) => ({ id: i + 1, kind: 'TYPEDEF', name, type_id: 10 }));
  return [
    ...integers,
    { id: 5, kind: 'ARRAY', name: '(anon)', type_id: 1, nr_elems: 6 },
    { id: 6, kind: 'PTR', name: '(anon)', type_id: 3 },
    { id: 10, kind: 'INT', name: 'unsigned', size: 4 },
    { id: 20, kind: 'STRUCT', name: 'example', size, members },
  ];
}

describe('the generator', () => {
  const emitted = (size: number, members: NonNullable<BtfType['members']>) =>
    emit(structOf(size, members), ['example']);

  test('takes the byte order from the type, and the offset from the compiler', () => {
    const text = emitted(8, [
      { name: 'some_port', type_id: 2, bits_offset: 0 },
      { name: 'mac', type_id: 5, bits_offset: 16 },
    ]);
    expect(text).toContain('export const Example = {\n  size: 8,');
    expect(text).toContain(
      'somePort: (view: DataView, at: number): number => view.getUint16(at, false)',
    );
    expect(text).toContain('mac: { at: 2, count: 6, elementSize: 1 }');
  });

  test('strips the common prefix of an enum', () => {
    const values = ['COLOUR_RED', 'COLOUR_DARK_BLUE', 'COLOURS'].map((name, val) => ({
      name,
      val,
    }));
    const text = emit([{ id: 1, kind: 'ENUM', name: 'colour', values }], ['colour']);
    expect(text).toContain('Colour = {\n  RED: 0,\n  DARK_BLUE: 1,\n  COLOURS: 2,\n}');
  });

  test.each<[string, number, NonNullable<BtfType['members']>, RegExp]>([
    [
      'a hole between fields',
      8,
      [
        { name: 'a', type_id: 1, bits_offset: 0 },
        { name: 'b', type_id: 3, bits_offset: 32 },
      ],
      /no hole before b/,
    ],
    ['a hole at the end', 4, [{ name: 'a', type_id: 1, bits_offset: 0 }], /no hole at the end/],
    [
      'a bit-field',
      4,
      [{ name: 'a', type_id: 3, bits_offset: 0, bitfield_size: 3 }],
      /no bit-field, a/,
    ],
    ['a pointer', 8, [{ name: 'a', type_id: 6, bits_offset: 0 }], /integer, array or struct for a/],
    [
      '64 bits that are not on an 8-byte boundary',
      12,
      [
        { name: 'a', type_id: 3, bits_offset: 0 },
        { name: 'b', type_id: 4, bits_offset: 32 },
      ],
      /b is not aligned/,
    ],
  ])('refuses %s', (_, size, members, message) => {
    expect(() => emitted(size, members)).toThrow(message);
  });

  test('refuses to leave out a type of the header that is not in the BTF', () => {
    expect(() => emit(structOf(0, []), ['example', 'other'])).toThrow('expected other in the BTF');
  });
});
