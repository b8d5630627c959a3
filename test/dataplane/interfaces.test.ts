import { describe, expect, test } from 'vitest';
import { word } from '../../ts/dataplane/encoding.ts';
import { Interfaces, PROGRAM, type QueueSocket } from '../../ts/dataplane/interfaces.ts';
import { Limits } from '../../ts/native/abi.gen.ts';
import type { AttachedProgram, AttachMode, QueueOptions } from '../../ts/native/addon.ts';
import { fakeObject } from '../support/fake_bpf.ts';

const TAG = 'c0ffee';
const refusal = (code: string) => Object.assign(new Error(code), { code });

/** Interfaces of a machine whose drivers and sockets a test spoils at will. */
function machine({
  queues = 2,
  refuses = (_: AttachMode, _replaceId: number): string => '',
  inherited = [] as readonly QueueSocket[],
} = {}) {
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
      attached.set(ifindex, {
        id: ++id,
        tag: TAG,
        mode,
        alone: true,
        hidden: false,
        maps: { settings: 1 },
      });
      return 'single';
    },
  });
  maps.interfaces!.set(word(55), word(0)); // left by an earlier daemon
  for (const { ifindex, slot } of inherited) maps.interfaces!.set(word(ifindex), word(slot));
  const taken: unknown[] = [];
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
      addQueue: ({ ifindex, interfaceSlot, queue, generic, inherited }) => {
        if (inherited) taken.push(inherited);
        if (state.queuesLeft-- <= 0) throw refusal('ENOMEM');
        open.push({ ifindex, interfaceSlot, queue, generic });
        return { zeroCopy: queue === 0, socket: 100 + open.length, frames: 200 + open.length };
      },
      removeInterface: (gone) => {
        open.splice(0, open.length, ...open.filter(({ ifindex }) => ifindex !== gone));
      },
      putRoute: unused,
      enter: unused,
      recount: unused,
      connectionCount: unused,
      census: unused,
      clock: unused,
      sweep: unused,
      readCaptured: unused,
      finish: unused,
      stop: unused,
    },
    answerer: () => () => {},
    warn: (message) => void warnings.push(message),
    inherited,
    queues: () => queues,
  });
  const slots = () => maps.interfaces!.keys().map((key) => [key[0], maps.interfaces!.get(key)![0]]);
  return { interfaces, attached, open, warnings, slots, state, taken };
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

  test.each(['EBUSY', 'EEXIST'])("leaves another's program alone, of which %s tells", (code) => {
    const { interfaces, warnings, slots } = machine({ refuses: () => code });
    expect(() => interfaces.attach('eth0', 7)).toThrow(code);
    expect([interfaces.all, warnings, slots()]).toEqual([[], [], []]);
  });

  test('leaves nothing behind when a socket is refused', () => {
    const { interfaces, attached, open, slots, state } = machine();
    state.queuesLeft = 1;
    expect(() => interfaces.attach('eth0', 7)).toThrow('ENOMEM');
    expect([attached.size, open, slots(), interfaces.has(7)]).toEqual([0, [], [], false]);
  });

  test('gives the slot back when both native and generic XDP are refused', () => {
    const { interfaces, warnings, slots } = machine({ refuses: () => 'EOPNOTSUPP' });
    expect(() => interfaces.attach('eth0', 7)).toThrow('EOPNOTSUPP');
    expect([warnings.length, slots()]).toEqual([1, []]);
  });

  test('refuses one interface more than there are slots, until one is free', () => {
    const { interfaces, slots } = machine({ queues: 1 });
    for (let ifindex = 1; ifindex <= Limits.MAX_INTERFACES; ifindex++)
      interfaces.attach(`eth${ifindex}`, ifindex);
    expect(() => interfaces.attach('one more', 77)).toThrow('at most 64 interfaces');
    interfaces.detach(5);
    interfaces.attach('one more', 77);
    expect(slots()).toContainEqual([77, 4]);
  });

  test('keeps to the number of queues that the packet code knows', () => {
    const { interfaces, open } = machine({ queues: 200 });
    expect(interfaces.attach('eth0', 7).queues).toBe(64);
    expect(open).toHaveLength(64);
  });
});

const EARLIER: AttachedProgram = {
  id: 9,
  tag: TAG,
  mode: 'native',
  alone: true,
  hidden: false,
  maps: { settings: 1 },
};
/** Another version over the same maps, and the same one over maps that nobody has any more. */
const ANOTHER: AttachedProgram = { ...EARLIER, tag: 'badc0de' };
const STRANGER: AttachedProgram = { ...EARLIER, maps: { settings: 77 } };

describe('a program of an earlier daemon', () => {
  test('stays when it is the same over the same maps', () => {
    const { interfaces, attached } = machine();
    attached.set(7, EARLIER);
    expect(interfaces.attach('eth0', 7)).toMatchObject({ programId: 9, adopted: true });
  });

  test('stays also when its sockets are refused', () => {
    const { interfaces, attached, state } = machine();
    attached.set(7, EARLIER);
    state.queuesLeft = 0;
    expect(() => interfaces.attach('eth0', 7)).toThrow();
    expect(attached.get(7)).toBe(EARLIER);
  });

  test.each([
    ['it is another', ANOTHER, true],
    ['its maps are others', STRANGER, false],
  ])('is replaced without a gap when %s', (_, other, adopted) => {
    const replaced: number[] = [];
    const { interfaces, attached } = machine({
      refuses: (_mode, replaceId) => {
        replaced.push(replaceId);
        return '';
      },
    });
    attached.set(7, other);
    expect(interfaces.attach('eth0', 7)).toMatchObject({ programId: 101, adopted });
    expect(replaced).toEqual([9]);
  });

  test('makes room for this one behind a dispatcher, where nothing is replaced in place', () => {
    const { interfaces, attached } = machine({
      refuses: (_, replaceId) => (replaceId === 0 ? '' : 'EEXIST'),
    });
    attached.set(7, { ...ANOTHER, alone: false });
    expect(interfaces.attach('eth0', 7)).toMatchObject({ programId: 101 });
  });

  test('stays when its successor is refused', () => {
    const { interfaces, attached, slots } = machine({ refuses: () => 'ENOMEM' });
    attached.set(7, ANOTHER);
    expect(() => interfaces.attach('eth0', 7)).toThrow('ENOMEM');
    expect([attached.get(7), slots()]).toEqual([ANOTHER, []]);
  });

  test('leaves its connections to a successor whose sockets are refused', () => {
    const { interfaces, attached, state } = machine();
    attached.set(7, ANOTHER);
    state.queuesLeft = 0;
    expect(() => interfaces.attach('eth0', 7)).toThrow('ENOMEM');
    expect(attached.get(7)).toMatchObject({ id: 101 });
  });

  test('leaves nothing where its successor knows no connection and its sockets are refused', () => {
    const { interfaces, attached, state } = machine();
    attached.set(7, STRANGER);
    state.queuesLeft = 0;
    expect(() => interfaces.attach('eth0', 7)).toThrow('ENOMEM');
    expect(attached.size).toBe(0);
  });
});

test('a program that cannot be looked into is left alone', () => {
  const { interfaces, attached, slots } = machine();
  const hidden: AttachedProgram = { ...EARLIER, tag: '00', hidden: true, maps: {} };
  attached.set(7, hidden);
  expect(() => interfaces.attach('eth0', 7)).toThrow('only CAP_SYS_ADMIN may look into');
  expect([attached.get(7), slots()]).toEqual([hidden, []]);
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

test('sockets are handed on with their slots, and taken over once', () => {
  const before = machine();
  before.interfaces.attach('eth0', 7);
  before.interfaces.attach('eth1', 8);
  before.interfaces.forget(7);
  const { sockets } = before.interfaces;
  expect(sockets.map(({ ifindex, slot, queue }) => [ifindex, slot, queue])).toEqual([
    [8, 1, 0],
    [8, 1, 1],
  ]);

  const { interfaces, slots, taken } = machine({ inherited: sockets });
  expect(slots()).toEqual([[8, 1]]); // packets are raised all the time
  interfaces.attach('eth2', 9);
  interfaces.attach('eth1', 8);
  expect(slots().sort()).toEqual([
    [8, 1],
    [9, 0],
  ]);
  expect(taken).toEqual(sockets);
  interfaces.forget(8);
  interfaces.attach('eth1', 8);
  expect(taken).toHaveLength(2);
});
