import { describe, expect, test } from 'vitest';
import { word } from '../../ts/dataplane/encoding.ts';
import { Interfaces, PROGRAM } from '../../ts/dataplane/interfaces.ts';
import type { AttachedProgram, AttachMode, QueueOptions } from '../../ts/native/addon.ts';
import { fakeObject } from '../support/fake_bpf.ts';

const TAG = 'c0ffee';
const refusal = (code: string) => Object.assign(new Error(code), { code });

/** Interfaces of a machine whose drivers and sockets a test spoils at will. */
function machine({ queues = 2, refuses = (_: AttachMode, _replaceId: number): string => '' } = {}) {
  const attached = new Map<number, AttachedProgram>();
  const open: Pick<QueueOptions, 'ifindex' | 'interfaceSlot' | 'queue' | 'generic'>[] = [];
  const warnings: string[] = [];
  const state = { queuesLeft: Number.POSITIVE_INFINITY };
  let id = 100;
  const { object, maps } = fakeObject({
    programTag: () => TAG,
    attach: (_, ifindex, mode, replaceId) => {
      const code = refuses(mode, replaceId);
      if (code !== '') throw refusal(code);
      attached.set(ifindex, { id: ++id, tag: TAG, mode, alone: true, maps: { settings: 1 } });
      return 'single';
    },
  });
  maps.interfaces!.set(word(55), word(0)); // left by an earlier daemon
  const unused = (): never => {
    throw new Error('not of this test');
  };
  const interfaces = new Interfaces({
    addon: {
      attachedProgram: (ifindex, name) => (name === PROGRAM ? attached.get(ifindex) : undefined),
      detach: (ifindex) => void attached.delete(ifindex),
    },
    object,
    slowPath: {
      addQueue: ({ ifindex, interfaceSlot, queue, generic }) => {
        if (state.queuesLeft-- <= 0) throw refusal('ENOMEM');
        open.push({ ifindex, interfaceSlot, queue, generic });
        return { zeroCopy: queue === 0 };
      },
      removeInterface: (gone) => {
        open.splice(0, open.length, ...open.filter(({ ifindex }) => ifindex !== gone));
      },
      putRoute: unused,
      connectionCount: unused,
      clock: unused,
      sweep: unused,
      stop: unused,
    },
    answerer: () => () => {},
    warn: (message) => void warnings.push(message),
    queues: () => queues,
  });
  const slots = () => maps.interfaces!.keys().map((key) => [key[0], maps.interfaces!.get(key)![0]]);
  return { interfaces, attached, open, warnings, slots, state };
}

describe('attaching', () => {
  test('puts the program on, gives the interface a slot, and opens a socket a queue', () => {
    const { interfaces, attached, open, slots } = machine();
    expect(interfaces.attach('eth0', 7)).toMatchObject({
      mode: 'native',
      alone: true,
      queues: 2,
      zeroCopy: false,
      programId: 101,
      adopted: false,
    });
    interfaces.attach('eth1', 8);
    expect([...attached.keys()]).toEqual([7, 8]);
    expect(slots()).toEqual([
      [7, 0],
      [8, 1],
    ]);
    expect(open).toEqual([
      { ifindex: 7, interfaceSlot: 0, queue: 0, generic: false },
      { ifindex: 7, interfaceSlot: 0, queue: 1, generic: false },
      { ifindex: 8, interfaceSlot: 1, queue: 0, generic: false },
      { ifindex: 8, interfaceSlot: 1, queue: 1, generic: false },
    ]);
  });

  test('says loudly that the driver has no XDP of its own', () => {
    const { interfaces, open, warnings } = machine({
      queues: 1,
      refuses: (mode) => (mode === 'native' ? 'EOPNOTSUPP' : ''),
    });
    expect(interfaces.attach('eth0', 7).mode).toBe('generic');
    expect(open).toMatchObject([{ generic: true }]);
    expect(warnings).toEqual([
      expect.stringMatching(/^eth0: native XDP is refused \(EOPNOTSUPP\)/),
    ]);
  });

  test("leaves another's program alone", () => {
    const { interfaces, warnings, slots } = machine({ refuses: () => 'EBUSY' });
    expect(() => interfaces.attach('eth0', 7)).toThrow('EBUSY');
    expect([interfaces.all, warnings, slots()]).toEqual([[], [], []]);
  });

  test('leaves nothing behind when a socket is refused', () => {
    const { interfaces, attached, open, slots, state } = machine();
    state.queuesLeft = 1;
    expect(() => interfaces.attach('eth0', 7)).toThrow('ENOMEM');
    expect([attached.size, open, slots(), interfaces.has(7)]).toEqual([0, [], [], false]);
  });

  test('keeps to the number of queues that the packet code knows', () => {
    const { interfaces, open } = machine({ queues: 200 });
    expect(interfaces.attach('eth0', 7).queues).toBe(64);
    expect(open).toHaveLength(64);
  });
});

describe('a program of an earlier daemon', () => {
  const earlier: AttachedProgram = {
    id: 9,
    tag: TAG,
    mode: 'native',
    alone: true,
    maps: { settings: 1 },
  };

  test('stays when it is the same over the same maps', () => {
    const { interfaces, attached } = machine();
    attached.set(7, earlier);
    expect(interfaces.attach('eth0', 7)).toMatchObject({ programId: 9, adopted: true });
  });

  test('stays also when its sockets are refused', () => {
    const { interfaces, attached, state } = machine();
    attached.set(7, earlier);
    state.queuesLeft = 0;
    expect(() => interfaces.attach('eth0', 7)).toThrow();
    expect(attached.get(7)).toBe(earlier);
  });

  test.each([
    ['it is another', { ...earlier, tag: 'badc0de' }],
    ['its maps are others', { ...earlier, maps: { settings: 77 } }],
  ])('is replaced without a gap when %s', (_, other) => {
    const replaced: number[] = [];
    const { interfaces, attached } = machine({
      refuses: (_mode, replaceId) => {
        replaced.push(replaceId);
        return '';
      },
    });
    attached.set(7, other);
    expect(interfaces.attach('eth0', 7)).toMatchObject({ programId: 101, adopted: true });
    expect(replaced).toEqual([9]);
  });

  test('makes room for this one where it cannot be replaced in place', () => {
    const { interfaces, attached } = machine({
      refuses: (_, replaceId) => (replaceId === 0 ? '' : 'EBUSY'),
    });
    attached.set(7, { ...earlier, tag: 'badc0de' });
    expect(interfaces.attach('eth0', 7)).toMatchObject({ programId: 101 });
  });
});

test('an interface that is gone frees its slot', () => {
  const { interfaces, open, slots } = machine({ queues: 1 });
  interfaces.attach('eth0', 7);
  interfaces.attach('eth1', 8);
  interfaces.forget(7);
  interfaces.forget(7);
  expect(slots()).toEqual([[8, 1]]);
  interfaces.attach('eth0', 12);
  expect(open.map(({ ifindex, interfaceSlot }) => [ifindex, interfaceSlot])).toEqual([
    [8, 1],
    [12, 0],
  ]);
});

test('detaching takes the program off', () => {
  const { interfaces, attached, open } = machine();
  interfaces.attach('eth0', 7);
  interfaces.detach(7);
  expect([attached.size, open, interfaces.all]).toEqual([0, [], []]);
});
