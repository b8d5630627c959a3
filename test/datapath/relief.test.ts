import { expect, test } from 'vitest';
import { PROTOCOLS, RELIEFS, writeAddress } from '../../ts/dataplane/encoding.ts';
import { CONNECTION_STATES } from '../../ts/lvs/connection.ts';
import type { Relief } from '../../ts/lvs/defence.ts';
import { Connection, ConnectionState, Flow, Settings, SlotPhase } from '../../ts/native/abi.gen.ts';
import { loadAddon } from '../../ts/native/addon.ts';

const { MemoryDirector } = loadAddon();
const NOW = 1000;
const RELIEFS_BY_STRENGTH = ['none', 'half-open', 'one-sided'] as const;

interface Candidate {
  readonly state: keyof typeof ConnectionState;
  readonly silentS: number;
  readonly packets?: number;
}

/** The states of the candidates that a sweep leaves; none of them has expired. */
function left(relief: Relief, candidates: readonly Candidate[]): string[] {
  const director = new MemoryDirector();
  const settings = new DataView(director.settings);
  Settings.setHz(settings, 0, 1);
  Settings.setRelief(settings, 0, RELIEFS[relief]);
  const table = new DataView(director.connections);
  const slots = candidates.map(({ state, silentS, packets = 1 }, i) => {
    const slot = director.putConnection({
      request: request(i + 1),
      destination: 0,
      state: ConnectionState[state],
      seenJiffies: NOW - silentS,
      timeoutJiffies: 900,
    });
    Connection.setInPackets(table, slot * Connection.size, packets);
    return slot;
  });
  director.setClock(NOW);
  director.sweep();
  const words = slots.map((slot) => Connection.state(table, slot * Connection.size));
  return words
    .filter((word) => (word & SlotPhase.PHASE) === SlotPhase.LIVE)
    .map((word) => CONNECTION_STATES[word & SlotPhase.STATE]!);
}

function request(port: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(Flow.size));
  Flow.setFamily(view, 0, writeAddress(view, Flow.saddrAt, '198.51.100.7'));
  writeAddress(view, Flow.daddrAt, '203.0.113.1');
  Flow.setSport(view, 0, port);
  Flow.setDport(view, 0, 80);
  Flow.setProtocol(view, 0, PROTOCOLS.tcp);
  return new Uint8Array(view.buffer);
}

test.each<[Relief, string[]]>([
  ['none', []],
  ['half-open', ['SYN_RECV', 'SYNACK']],
  ['one-sided', ['SYN_RECV', 'SYNACK', 'UDP', 'UDP_UNANSWERED']],
])('%s gives up no other than %j', (relief, states) => {
  const every = CONNECTION_STATES.map((state) => ({ state, silentS: 600 }));
  const expected = CONNECTION_STATES.filter((state) => !states.includes(state));
  expect(left(relief, every)).toEqual(expected);
});

test('a half-open connection has three seconds, and one where there is no room', () => {
  const kept = (silentS: number) =>
    RELIEFS_BY_STRENGTH.filter((relief) => left(relief, [{ state: 'SYN_RECV', silentS }]).length);
  expect([0, 1, 2, 3].map(kept)).toEqual([
    ['none', 'half-open', 'one-sided'],
    ['none', 'half-open'],
    ['none', 'half-open'],
    ['none'],
  ]);
});

test('of flows with n packets, one to eight, every n-th goes, if silent for a minute', () => {
  const dropped = (packets: number, silentS = 60) =>
    72 - left('one-sided', Array(72).fill({ state: 'UDP', silentS, packets })).length;
  expect([0, 1, 2, 3, 4, 6, 8, 9].map((packets) => dropped(packets))).toEqual([
    0, 72, 36, 24, 18, 12, 9, 0,
  ]);
  expect(dropped(1, 59)).toBe(0);
});
